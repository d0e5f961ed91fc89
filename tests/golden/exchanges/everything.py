"""All steps, in the order they are taken in."""

from .accounts import ACCOUNT_STEPS, LOGIN_STEPS, SIGN_UP_STEPS, SUPERUSER_STEPS
from .administration import COLLECTION_STEPS, LOG_STEPS, ROUTE_STEPS, SETTINGS_STEPS
from .events import BATCH_STEPS, REALTIME_STEPS
from .proxies import LIST_STEPS, PAGE_STEPS, WRITE_STEPS
from .steps import Step
from .values import VALUE_STEPS

EVERYTHING: list[Step] = [
    *SUPERUSER_STEPS,
    *SIGN_UP_STEPS,
    *LOGIN_STEPS,
    *ACCOUNT_STEPS,
    *WRITE_STEPS,
    *LIST_STEPS,
    *VALUE_STEPS,
    *ROUTE_STEPS,
    *SETTINGS_STEPS,
    *COLLECTION_STEPS,
    *PAGE_STEPS,
    *BATCH_STEPS,
    *REALTIME_STEPS,
    *LOG_STEPS,
]
