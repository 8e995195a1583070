"""Every kind of fault that can be planted."""

from validation.synthetic.ending_faults import REFUSED_FAULTS, WHOLE_FAULTS
from validation.synthetic.fault import Fault
from validation.synthetic.row_faults import ROW_FAULTS

FAULTS: tuple[Fault, ...] = (*ROW_FAULTS, *REFUSED_FAULTS, *WHOLE_FAULTS)
