"""The probes, in the order in which they run; one small file each."""

from trimtab.audit.probe import Probe
from trimtab.audit.probes.numeric_nan import NotANumber

PROBES: tuple[Probe, ...] = (NotANumber(),)
