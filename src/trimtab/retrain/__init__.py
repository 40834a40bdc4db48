"""Step 5: is a retrain due (triggers), and may it begin now (policy)?"""

from trimtab.retrain.policy import find_running, may_retrain
from trimtab.retrain.triggers import Trigger, judge, open_triggers

__all__ = ["Trigger", "find_running", "judge", "may_retrain", "open_triggers"]
