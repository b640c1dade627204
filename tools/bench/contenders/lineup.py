"""Who is measured, and against whom."""

from tools.bench.contenders.base import Contender
from tools.bench.contenders.boto import DefaultBoto, SequentialBoto, TableBoto, TunedBoto
from tools.bench.contenders.clouds import CloudKitAws
from tools.bench.contenders.loops import Aiobotocore, S3fs
from tools.bench.contenders.rust import Obstore, Opendal

BASELINE = TunedBoto
CONTENDERS: tuple[type[Contender], ...] = (
    CloudKitAws,
    TunedBoto,
    DefaultBoto,
    SequentialBoto,
    TableBoto,
    Aiobotocore,
    S3fs,
    Obstore,
    Opendal,
)
