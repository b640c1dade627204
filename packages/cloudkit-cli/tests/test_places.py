"""How places are written."""

import click
import pytest
from cloudkit.cli.places import CloudName, Place, parse_place


@pytest.mark.parametrize(
    ("text", "cloud", "name", "key"),
    [
        ("s3://photos/a/b.jpg", CloudName("aws"), "photos", "a/b.jpg"),
        ("az://photos", CloudName("azure"), "photos", ""),
        ("gs://photos/", CloudName("gcp"), "photos", ""),
        ("oci://photos//a", CloudName("oracle"), "photos", "/a"),
        ("S3://photos/a?b#c%20d", CloudName("aws"), "photos", "a?b#c%20d"),
        ("local://photos/a", CloudName("local"), "photos", "a"),
        ("local://", CloudName("local"), "", ""),
        ("local:///srv/demo//photos/a", CloudName("local", folder="/srv/demo"), "photos", "a"),
        ("local:///srv/demo//photos//a", CloudName("local", folder="/srv/demo"), "photos", "/a"),
        ("local:///srv/demo", CloudName("local", folder="/srv/demo"), "", ""),
        ("local://./demo//photos", CloudName("local", folder="./demo"), "photos", ""),
        ("local://../demo//photos", CloudName("local", folder="../demo"), "photos", ""),
        ("local://~/demo//photos", CloudName("local", folder="~/demo"), "photos", ""),
        ("prod:photos/a:b", CloudName("prod", profile=True), "photos", "a:b"),
        ("aws:", CloudName("aws", profile=True), "", ""),
    ],
)
def test_a_place(text: str, cloud: CloudName, name: str, key: str) -> None:
    place = parse_place(text)
    assert place is not None
    assert (place.cloud, place.name, place.key) == (cloud, name, key)
    again = parse_place(str(place))
    assert again == place


@pytest.mark.parametrize("text", ["a.txt", "./prod:a", "/srv/a:b", "folder/s3:x", "-", "", ":a"])
def test_a_path(text: str) -> None:
    assert parse_place(text) is None


@pytest.mark.parametrize(
    "text", ["s4://photos", "aws://photos", "http://host/a", "prod:/a", "s3:///a"]
)
def test_what_is_neither(text: str) -> None:
    with pytest.raises(click.UsageError):
        parse_place(text)


def test_places_of_one_cloud() -> None:
    place = Place(CloudName("aws"), "photos", "a", "s3://")
    assert place.at("music") == "s3://music"
    assert place.at("music", "b") == "s3://music/b"
