# How Python code gets into a Lambda zip: pinned wheels for the platform that runs it, whatever interpreter builds it,
# and bytecode, which was worth a factor of two to three in a cold import. Included by the layers' Makefiles that `sam build`
# calls (with ARTIFACTS_DIR set, from a copy of the source: so every path here starts from this file).
#
# TENANTML_BUILD=native builds for the interpreter of .venv instead: a test imports every function from nothing but that.
# TENANTML_BUILD=embedded leaves the wheels out: the embedded cloud runs functions on .venv, which holds the same pins, and
# unpacks the layer for every worker, which with the wheels' 3,000 files took 2.5 s of each cold start.

ROOT := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))..)
UV := $(firstword $(wildcard $(ROOT)/.venv/bin/uv) uv)

ifneq ($(filter native embedded,$(TENANTML_BUILD)),)
COMPILER := $(ROOT)/.venv/bin/python
PLATFORM := --python $(COMPILER)
else
# Globals.Function.Runtime and Architectures of template.yaml. Bytecode belongs to one version: only 3.13 writes it.
# uv gives up at a shim of pyenv that has no version chosen, so pyenv's own are tried after what is on the path.
COMPILER := $(shell for found in "$$($(UV) python find --no-config --no-python-downloads 3.13 2>/dev/null)" \
	python3.13 "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.13.*/bin/python; do \
	"$$found" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null && echo "$$found" && break; done)
PLATFORM := --python-version 3.13 --python-platform aarch64-manylinux_2_28
endif

# $(call install,SET,FOLDER): the wheels of requirements/SET.txt, without what only a developer reads.
ifeq ($(TENANTML_BUILD),embedded)
install = @mkdir -p "$(2)"
else
define install
	$(UV) pip install --quiet --require-hashes --only-binary :all: $(PLATFORM) \
		--requirements $(ROOT)/requirements/$(1).txt --target "$(2)"
	find "$(2)" -type d \( -name tests -o -name examples \) -prune -exec rm -rf {} +
	rm -rf "$(2)/bin" "$(2)/.lock" "$(2)"/*.dist-info/RECORD
endef
endif

# $(call compile,FOLDER,WHERE): bytecode that is never compared with its source; WHERE is where Lambda mounts FOLDER.
define compile
	@if [ -n "$(COMPILER)" ]; then \
		"$(COMPILER)" -m compileall -q -j 0 --invalidation-mode unchecked-hash -s "$(1)" -p "$(2)" "$(1)"; \
	else \
		echo "WARNING: no python3.13 here, so this zip has no bytecode: it works, and its cold starts are slower."; \
	fi
endef

# $(call layer,SET,PACKAGE): a layer's content, the wheels of requirements/SET.txt and the package beside the Makefile.
define layer
	$(call install,$(1),$(ARTIFACTS_DIR)/python)
	$(call package,$(2))
endef

# $(call package,PACKAGE): the package beside the Makefile, with its bytecode.
define package
	tar -C "$(HERE)" --exclude __pycache__ -cf - $(1) | tar -C "$(ARTIFACTS_DIR)/python" -xf -
	$(call compile,$(ARTIFACTS_DIR)/python,/opt/python)
endef
