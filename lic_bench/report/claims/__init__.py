"""Each printed number of the paper's tables against what is found here: reproduced, differs, cannot be checked."""
