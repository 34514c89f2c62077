"""Publish the checkout as some release without writing a manifest into it: `... publish_checkout STORE NUMBER`."""

import sys

from ensembles.releases.checkout import build_candidate
from ensembles.releases.publishing import publish
from ensembles.releases.store import Store
from ensembles.releases.transfer_progress import TransferProgress
from ensembles.repository import DEFAULT_ROOT
from ensembles.wiring import all_ensembles

if __name__ == "__main__":
    candidate = build_candidate(DEFAULT_ROOT, all_ensembles(), number=int(sys.argv[2]))
    publish(candidate.manifest, candidate, Store(sys.argv[1]), TransferProgress("publishing"))
