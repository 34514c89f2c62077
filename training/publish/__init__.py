"""From a trained head to one that the next release serves, with proof that nothing else moved.

    python -m training publish runs/raccoon

Everything is made and measured in a copy of the model repository. Only what passes is installed; what is refused leaves
the repository as it was.
"""
