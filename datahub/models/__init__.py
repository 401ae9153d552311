"""The catalogue, and what was delivered. The rows themselves lie in the lake."""

# Each part of the hub keeps its own tables beside it; they are registered here.
from datahub.cascade import models as _cascade  # noqa: F401  registers its tables
from datahub.catalogue import models as _catalogue  # noqa: F401  registers its tables
from datahub.connectors import models as _connectors  # noqa: F401  registers its tables
from datahub.devices import models as _devices  # noqa: F401  registers its tables
from datahub.lake import models as _lake  # noqa: F401  registers its tables
from datahub.models.deliveries import DatasetWriter, Delivery, DeliveryBlob, DeliveryFile, Reject
from datahub.models.entries import Column, Dataset, QualityRule, SavedMapping, TwoNames
from datahub.portal import models as _portal  # noqa: F401  registers its tables
from datahub.push import models as _push  # noqa: F401  registers its tables
from datahub.quality import models as _quality  # noqa: F401  registers its tables
from datahub.sharing import models as _sharing  # noqa: F401  registers its tables
from datahub.upload import models as _upload  # noqa: F401  registers its tables
from datahub.vault import models as _vault  # noqa: F401  registers its tables

__all__ = [
    "Column",
    "Dataset",
    "DatasetWriter",
    "Delivery",
    "DeliveryBlob",
    "DeliveryFile",
    "QualityRule",
    "Reject",
    "SavedMapping",
    "TwoNames",
]
