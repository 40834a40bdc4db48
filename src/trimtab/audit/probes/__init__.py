"""The probes, in the order in which they run; one small file each."""

from trimtab.audit.probe import Probe
from trimtab.audit.probes.behaviour_deterministic import SameAnswer
from trimtab.audit.probes.behaviour_direction import Direction
from trimtab.audit.probes.behaviour_invariance import Invariance
from trimtab.audit.probes.behaviour_order import OrderAndCompany
from trimtab.audit.probes.behaviour_reacts import ModelReacts
from trimtab.audit.probes.behaviour_sensitivity import Sensitivity
from trimtab.audit.probes.contract_constraints import FieldsConstrained
from trimtab.audit.probes.contract_method import WrongMethod
from trimtab.audit.probes.contract_openapi import DocumentFound
from trimtab.audit.probes.contract_response import DeclaredReply
from trimtab.audit.probes.contract_route import ValidCall
from trimtab.audit.probes.errors_echo import NoEcho
from trimtab.audit.probes.errors_leak import NothingLeaks
from trimtab.audit.probes.errors_problem_json import ProblemJson
from trimtab.audit.probes.numeric_extremes import Extremes
from trimtab.audit.probes.numeric_infinity import Infinite
from trimtab.audit.probes.numeric_nan import NotANumber
from trimtab.audit.probes.numeric_overflow import Overflow
from trimtab.audit.probes.operability_feedback import Feedback
from trimtab.audit.probes.operability_liveness import Liveness
from trimtab.audit.probes.operability_metrics import MetricsMove
from trimtab.audit.probes.operability_readiness import Readiness
from trimtab.audit.probes.operability_request_id import RequestIds
from trimtab.audit.probes.operability_version import ModelVersion
from trimtab.audit.probes.parsing_duplicates import DuplicateKeys
from trimtab.audit.probes.parsing_empty import EmptyBody
from trimtab.audit.probes.parsing_malformed import MalformedBody
from trimtab.audit.probes.parsing_media_type import WrongMediaType
from trimtab.audit.probes.parsing_nesting import DeepNesting
from trimtab.audit.probes.parsing_oversized import OversizedBody
from trimtab.audit.probes.parsing_root import WrongRoot
from trimtab.audit.probes.performance_burst import Burst
from trimtab.audit.probes.performance_cold_start import ColdStart
from trimtab.audit.probes.performance_latency import Latency
from trimtab.audit.probes.recovery_after import Recovery
from trimtab.audit.probes.security_auth import AuthEnforced
from trimtab.audit.probes.security_cors import CrossOrigin
from trimtab.audit.probes.security_exposed import SecretFiles
from trimtab.audit.probes.security_open_pages import OpenPages
from trimtab.audit.probes.security_rate_limit import RateLimit
from trimtab.audit.probes.security_tls import EncryptedLine
from trimtab.audit.probes.unicode_injection import InertText
from trimtab.audit.probes.unicode_text import OddText
from trimtab.audit.probes.validation_category import UnseenCategory
from trimtab.audit.probes.validation_missing import FieldMissing
from trimtab.audit.probes.validation_null import NullValue
from trimtab.audit.probes.validation_range import OutOfRange
from trimtab.audit.probes.validation_type import TypeWrong

PROBES: tuple[Probe, ...] = (
    ColdStart(),
    DocumentFound(),
    ValidCall(),
    DeclaredReply(),
    FieldsConstrained(),
    WrongMethod(),
    # Behaviour and speed before anything odd is sent.
    SameAnswer(),
    OrderAndCompany(),
    ModelReacts(),
    Sensitivity(),
    Direction(),
    Invariance(),
    Latency(),
    Liveness(),
    Readiness(),
    MetricsMove(),
    ModelVersion(),
    RequestIds(),
    Feedback(),
    # What is wrong, odd, or harmful by accident.
    FieldMissing(),
    TypeWrong(),
    NullValue(),
    UnseenCategory(),
    OutOfRange(),
    NotANumber(),
    Infinite(),
    Overflow(),
    Extremes(),
    EmptyBody(),
    MalformedBody(),
    WrongMediaType(),
    WrongRoot(),
    DuplicateKeys(),
    OddText(),
    InertText(),
    NoEcho(),
    AuthEnforced(),
    CrossOrigin(),
    EncryptedLine(),
    SecretFiles(),
    OpenPages(),
    # The heavy ones, then what they have left behind.
    OversizedBody(),
    DeepNesting(),
    Burst(),
    RateLimit(),
    ProblemJson(),
    NothingLeaks(),
    Recovery(),
)
