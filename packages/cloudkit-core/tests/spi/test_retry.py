from __future__ import annotations

from datetime import timedelta

import pytest
from cloudkit.common import (
    ClientClosedError,
    CloudError,
    ConfigurationError,
    MissingCredentialsError,
    NetworkError,
    NotFoundError,
    RateLimitedError,
    ServiceUnavailableError,
    TlsError,
    UnsupportedOperationError,
    ValidationError,
)
from cloudkit.spi import (
    CircuitBreaker,
    ExponentialBackoff,
    FixedDelay,
    NoRetry,
    Retry,
    RetryBudget,
    Stop,
)
from hypothesis import given
from hypothesis import strategies as st

DOWN = ServiceUnavailableError("down")


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def decisions(policy, error, operation, count):
    return [policy.decide(error, attempt, operation) for attempt in range(1, count + 1)]


def test_no_retry(ping):
    assert decisions(NoRetry(), DOWN, ping(), 2) == [Stop(), Stop()]


def test_fixed_delay(ping):
    policy = FixedDelay(max_attempts=3, delay=timedelta(milliseconds=500))
    assert decisions(policy, DOWN, ping(), 3) == [Retry(0.5), Retry(0.5), Stop()]


def test_the_ceiling_doubles_up_to_the_cap(ping):
    policy = ExponentialBackoff(max_attempts=6, base=0.1, cap=0.5, random=lambda: 1.0)
    delays = [d.delay for d in decisions(policy, DOWN, ping(), 5)]
    assert delays == [0.1, 0.2, 0.4, 0.5, 0.5]
    assert policy.decide(DOWN, 6, ping()) == Stop()


@given(attempt=st.integers(1, 10_000))
def test_full_jitter_stays_between_zero_and_the_ceiling(ping_operation, attempt):
    policy = ExponentialBackoff(max_attempts=20_000, base=0.1, cap=20)
    decision = policy.decide(DOWN, attempt, ping_operation)
    assert isinstance(decision, Retry)
    assert 0 <= decision.delay <= min(20, 0.1 * 2.0 ** min(attempt - 1, 60))


@pytest.fixture(scope="module")
def ping_operation():
    from cloudkit.spi import Operation

    class Op(Operation[None]):
        contract = "storage"
        name = "op"

    return Op()


@pytest.mark.parametrize(
    "policy",
    [FixedDelay(delay=1), ExponentialBackoff(base=1, random=lambda: 1.0)],
    ids=["fixed", "exponential"],
)
def test_retry_after_is_a_lower_bound(policy, ping):
    assert policy.decide(RateLimitedError("slow", retry_after=7), 1, ping()) == Retry(7)
    assert policy.decide(RateLimitedError("slow", retry_after=0.1), 1, ping()) == Retry(1)


@pytest.mark.parametrize(
    "make",
    [
        lambda: FixedDelay(max_attempts=0),
        lambda: FixedDelay(delay=-1),
        lambda: ExponentialBackoff(max_attempts=True),
        lambda: ExponentialBackoff(base=float("nan")),
        lambda: CircuitBreaker(NoRetry(), threshold=0),
        lambda: CircuitBreaker(NoRetry(), recovery=-1),
        lambda: RetryBudget(NoRetry(), ratio=-1),
        lambda: RetryBudget(NoRetry(), capacity=0),
    ],
)
def test_bad_settings(make):
    with pytest.raises(ValidationError):
        make()


class TestCircuitBreaker:
    @pytest.fixture
    def clock(self):
        return Clock()

    @pytest.fixture
    def breaker(self, clock):
        return CircuitBreaker(FixedDelay(max_attempts=9), threshold=3, recovery=30, clock=clock)

    def fail(self, breaker, operation, times, error=DOWN):
        for _ in range(times):
            breaker.admit(operation)
            breaker.failed(error, operation)

    def test_it_opens_at_the_threshold(self, breaker, ping):
        self.fail(breaker, ping(), 2)
        assert isinstance(breaker.decide(DOWN, 1, ping()), Retry)
        self.fail(breaker, ping(), 1)
        assert breaker.decide(DOWN, 1, ping()) == Stop()
        with pytest.raises(ServiceUnavailableError, match="circuit breaker is open") as caught:
            breaker.admit(ping())
        assert caught.value.retry_after == 30
        assert not caught.value.retryable

    def test_one_probe_goes_through_after_the_recovery(self, breaker, clock, ping):
        self.fail(breaker, ping(), 3)
        clock.now = 30
        breaker.admit(ping())
        with pytest.raises(ServiceUnavailableError):
            breaker.admit(ping())
        breaker.succeeded(ping())
        breaker.admit(ping())
        assert isinstance(breaker.decide(DOWN, 1, ping()), Retry)

    def test_a_probe_that_fails_opens_it_again(self, breaker, clock, ping):
        self.fail(breaker, ping(), 3)
        clock.now = 30
        self.fail(breaker, ping(), 1)
        clock.now = 59
        with pytest.raises(ServiceUnavailableError):
            breaker.admit(ping())
        clock.now = 60
        breaker.admit(ping())

    def test_a_success_in_between_starts_the_count_afresh(self, breaker, ping):
        self.fail(breaker, ping(), 2)
        breaker.succeeded(ping())
        self.fail(breaker, ping(), 2)
        breaker.admit(ping())

    def test_an_error_of_the_callers_shows_a_healthy_service(self, breaker, ping):
        self.fail(breaker, ping(), 2)
        self.fail(breaker, ping(), 1, NotFoundError("gone"))
        self.fail(breaker, ping(), 2)
        breaker.admit(ping())

    @pytest.mark.parametrize(
        "error",
        [
            MissingCredentialsError("none"),
            TlsError("no trust"),
            ClientClosedError("closed"),
            ConfigurationError("no region"),
            UnsupportedOperationError("no such thing"),
        ],
    )
    def test_what_fails_before_the_service_is_asked_says_nothing_of_it(
        self, breaker, clock, ping, error
    ):
        self.fail(breaker, ping(), 2)
        self.fail(breaker, ping(), 5, error)
        self.fail(breaker, ping(), 1)
        clock.now = 30
        self.fail(breaker, ping(), 1, error)
        with pytest.raises(ServiceUnavailableError, match="open"):
            breaker.admit(ping())

    @pytest.mark.parametrize("retry_after", [None, 1.0])
    def test_throttling_does_not_count(self, breaker, ping, retry_after):
        self.fail(breaker, ping(), 5, RateLimitedError("slow", retry_after=retry_after))
        breaker.admit(ping())

    def test_an_outage_with_retry_after_counts(self, breaker, ping):
        self.fail(breaker, ping(), 3, ServiceUnavailableError("down", retry_after=1))
        with pytest.raises(ServiceUnavailableError, match="open"):
            breaker.admit(ping())

    def test_each_service_has_its_own(self, breaker, ping):
        class Other(ping):
            contract = "queue"

        self.fail(breaker, ping(), 3)
        breaker.admit(Other())
        assert isinstance(breaker.decide(DOWN, 1, Other()), Retry)


class TestRetryBudget:
    def test_retries_use_it_up_and_successes_fill_it(self, ping):
        budget = RetryBudget(FixedDelay(max_attempts=9), ratio=0.5, capacity=2)
        assert decisions(budget, DOWN, ping(), 3) == [Retry(1), Retry(1), Stop()]
        budget.succeeded(ping())
        assert budget.decide(DOWN, 1, ping()) == Stop()
        budget.succeeded(ping())
        assert budget.decide(DOWN, 1, ping()) == Retry(1)

    def test_it_holds_no_more_than_its_capacity(self, ping):
        budget = RetryBudget(FixedDelay(max_attempts=9), ratio=1, capacity=1)
        for _ in range(5):
            budget.succeeded(ping())
        assert decisions(budget, DOWN, ping(), 2) == [Retry(1), Stop()]

    def test_a_stop_of_the_inner_policy_costs_nothing(self, ping):
        budget = RetryBudget(FixedDelay(max_attempts=2), capacity=1)
        assert budget.decide(DOWN, 2, ping()) == Stop()
        assert budget.decide(DOWN, 1, ping()) == Retry(1)

    def test_it_hands_on_what_a_breaker_inside_needs(self, ping):
        policy = RetryBudget(CircuitBreaker(NoRetry(), threshold=1))
        policy.failed(NetworkError("reset"), ping())
        with pytest.raises(CloudError, match="open"):
            policy.admit(ping())
        policy.succeeded(ping())
        policy.admit(ping())
