# Boussole CTG : les commandes du quotidien. « make » seul les liste.

PORT ?= 8501
# Options de streamlit, par exemple OPTIONS=--server.fileWatcherType=auto pour recharger à chaud.
OPTIONS ?=
# Options de pytest, par exemple TESTS="tests/test_secret.py -k somme".
TESTS ?=
PYTHON ?=

ENV := .venv
PY := $(ENV)/bin/python
# Copies des exigences installées : on réinstalle quand leur contenu change, pas leur date.
TEMOIN := $(ENV)/requirements.installe.txt
TEMOIN_DEV := $(ENV)/requirements-dev.installe.txt
PIP := $(PY) -m pip --disable-pip-version-check install --quiet

VERSION_SUFFISANTE := import sys; sys.exit(sys.version_info < (3, 11))
# Chaque candidat est essayé pour de bon : un raccourci pyenv existe même sans sa version.
TROUVER_PYTHON = for p in $(PYTHON) python3.13 python3.12 python3.11 python3; do \
	if "$$p" -c '$(VERSION_SUFFISANTE)' >/dev/null 2>&1; then echo "$$p"; break; fi; done
ECRAN = [ "$$(uname)" = Darwin ] || [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ]

.DEFAULT_GOAL := aide
.PHONY: aide venv env env-test run test bench format

aide: ## Lister les commandes
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

env: venv ## Préparer Python et les bibliothèques (une fois, puis quand requirements.txt change)
	@cmp -s requirements.txt $(TEMOIN) || { \
	  echo "Installation des bibliothèques (quelques minutes la première fois)…"; \
	  $(PIP) -r requirements.txt || { \
	    echo "L'installation a échoué : vérifiez la connexion à internet, puis relancez la commande." >&2; exit 1; }; \
	  cp requirements.txt $(TEMOIN); }

run: env ## Ouvrir l'application (PORT=8501 par défaut)
	@echo "Boussole CTG : http://127.0.0.1:$(PORT) (Ctrl+C pour arrêter)"
	@{ $(ECRAN); } || set -- --server.headless true; \
	$(PY) -m streamlit run app.py --server.address 127.0.0.1 --server.port $(PORT) "$$@" $(OPTIONS) || { \
	  echo "Si le port $(PORT) est déjà pris, choisissez-en un autre : make run PORT=8502" >&2; exit 1; }

test: env-test ## Vérifier le style, les types, puis tous les tests, navigateur compris
	@CTG_CHROMIUM=$$($(PY) scripts/trouver_chromium.py --installer) || exit 1; export CTG_CHROMIUM; \
	echo "Navigateur des tests : $$CTG_CHROMIUM"; set -ex; \
	$(PY) -m ruff check .; \
	$(PY) -m ruff format --check .; \
	$(PY) -m mypy; \
	$(PY) -m pytest -n 2 --dist loadfile $(TESTS)

bench: env-test ## Mesurer les temps de réponse
	@$(PY) -m bench

format: env-test ## Mettre le code en forme
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

# Un environnement est gardé s'il répond : une création interrompue ou un Python retiré le rendent muet.
venv:
	@$(PY) -c 'import pip, sys; assert sys.prefix != sys.base_prefix; $(VERSION_SUFFISANTE)' >/dev/null 2>&1 || { \
	  python=$$($(TROUVER_PYTHON)); \
	  [ -n "$$python" ] || { \
	    echo "Python 3.11 ou plus récent est introuvable." >&2; \
	    echo "Installez-le (https://www.python.org/downloads/, ou le paquet python3), ou indiquez-le : make env PYTHON=/chemin/python3.12" >&2; \
	    exit 1; }; \
	  "$$python" -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo "Il manque à Python ($$python) son module venv." >&2; \
	    echo "Sous Debian ou Ubuntu : sudo apt-get install python3-venv, puis relancez la commande." >&2; \
	    exit 1; }; \
	  echo "Création de l'environnement Python ($$("$$python" --version))…"; \
	  "$$python" -m venv --clear $(ENV) || { \
	    echo "L'environnement n'a pas pu être créé dans $(ENV) : vérifiez la place et les droits du dossier." >&2; \
	    exit 1; }; }

env-test: env
	@cat requirements.txt requirements-dev.txt | cmp -s - $(TEMOIN_DEV) || { \
	  echo "Installation des outils de test…"; \
	  $(PIP) -r requirements-dev.txt || { \
	    echo "L'installation des outils de test a échoué : vérifiez la connexion à internet." >&2; exit 1; }; \
	  cat requirements.txt requirements-dev.txt > $(TEMOIN_DEV); }
