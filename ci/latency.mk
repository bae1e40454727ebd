# Regression tracking: every command of .github/workflows/latency.yml is a target of this file. NEW is this work tree,
# BASE a commit with a work tree and an environment of its own, both measured on this machine one after the other.

DEVICE ?= auto
ALLOW ?=
CI_BASE := build/ci/base
CI_OUT := build/ci/out
CI_COMPARE = ci/compare.sh $(CI_OUT) $(CI_BASE) $(BIN)/python $(BIN)/lic-bench compare $(CI_OUT)/base $(CI_OUT)/new \
  $(ALLOW:%=--allow %)

# For both NEW's plugins: they ask the questions, and each commit answers.
CI_RUN = lic-bench run --plugin '$(CURDIR)/tests/plugins/fake' --plugin '$(CURDIR)/ci/tiny'
# The deterministic tier: nothing here depends on how fast the machine is.
PER_CHANGE = --codecs fake,jpeg,lalic-tiny,elic-tiny --datasets sample --quick --crop 200 \
  --measure quality,memory,complexity --device cpu --threads 1
# The statistical tier: full-size networks, fresh weights.
PER_NIGHT ?= --codecs lalic,elic,jpeg --qualities jpeg=75 --weights random --datasets sample --measure latency,memory

.PHONY: ci-latency ci-base ci-new ci-compare ci-nightly ci-keep-history

ci-latency:  ## as on pull requests: NEW against BASE=commit [where it left MAIN]; ALLOW="software ..." overrides
	$(MAKE) ci-base
	$(MAKE) ci-new
	$(MAKE) ci-compare

ci-base: $(VENV)/.ready
	commit=$$(ci/base.sh change) && ci/checkout.sh "$$commit" $(CI_BASE) $(BIN)/python
	ci/measure.sh base $(CI_OUT)/base $(CI_BASE)/$(BIN)/$(CI_RUN) $(PER_CHANGE)

ci-new: $(VENV)/.ready
	ci/measure.sh new $(CI_OUT)/new $(BIN)/$(CI_RUN) $(PER_CHANGE)

ci-compare: $(VENV)/.ready
	$(CI_COMPARE) --gate ci.toml

ci-nightly: $(VENV)/.ready  ## times of BASE=commit [the last tag, else a day ago] against NEW on DEVICE; NEW's history
	commit=$$(ci/base.sh night) && ci/checkout.sh "$$commit" $(CI_BASE) $(BIN)/python
	ci/measure.sh base $(CI_OUT)/base $(CI_BASE)/$(BIN)/$(CI_RUN) $(PER_NIGHT) --device '$(DEVICE)'
	ci/measure.sh new $(CI_OUT)/new $(BIN)/$(CI_RUN) $(PER_NIGHT) --device '$(DEVICE)'
	ci/history.sh begin $(CI_OUT)/history
	$(BIN)/lic-bench history add $(CI_OUT)/new --into $(CI_OUT)/history
	$(BIN)/lic-bench history --into $(CI_OUT)/history --out $(CI_OUT)/figures
	$(CI_COMPARE) --confirm --base-run "$(CI_BASE)/$(BIN)/$(CI_RUN)" --new-run "$(BIN)/$(CI_RUN)"

ci-keep-history:  ## commit the history that `make ci-nightly` left to the branch latency-history of origin
	ci/history.sh keep $(CI_OUT)/history
