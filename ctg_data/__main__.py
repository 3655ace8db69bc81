"""Tenir ses données en ligne de commande : « python -m ctg_data COMMANDE »."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from ctg_data.commandes import controler, importer, sauvegarde, territoires
from ctg_data.commandes.analyseur import Analyseur
from ctg_data.commandes.commun import MAUVAIS_USAGE, REFUSE, MauvaisUsage, dire, dire_anomalies
from ctg_data.ecriture import ErreurEcriture, expliquer

MODULES = (controler, importer, sauvegarde, territoires)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exécuter une commande ; rend 0 (fait), 1 (refusé) ou 2 (mauvais usage), sans jamais lever.

    Seule une ligne de commande mal formée sort d'elle-même (SystemExit, code 2), comme argparse.
    """
    for sortie in (sys.stdout, sys.stderr):
        if hasattr(sortie, "reconfigure"):
            sortie.reconfigure(encoding="utf-8", errors="replace")
    choix = _analyseur().parse_args(arguments)
    try:
        return int(choix.executer(choix))
    except MauvaisUsage as faute:
        dire(str(faute), erreur=True)
        return MAUVAIS_USAGE
    except ErreurEcriture as faute:
        dire_anomalies(faute.anomalies)
    except BrokenPipeError:
        # Le lecteur est parti (« | head ») : ne pas se plaindre en vidant la sortie.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as faute:
        dire_anomalies(expliquer(faute, str(faute.filename or choix.nom_commande)).anomalies)
    except MemoryError:
        dire("La mémoire manque. Fermez d'autres programmes, ou allégez le fichier.", erreur=True)
    except KeyboardInterrupt:
        dire("Interrompu. Rien n'est resté à moitié écrit.", erreur=True)
    except Exception as faute:  # Dernier filet : une trace n'apprend rien à qui lit ceci.
        dire(f"Faute de l'outil ({type(faute).__name__}). Signalez-la avec la commande.", True)
    return REFUSE


def _analyseur() -> Analyseur:
    analyseur = Analyseur(prog="python -m ctg_data", description=__doc__)
    commandes = analyseur.add_subparsers(
        title="commandes", required=True, metavar="COMMANDE", dest="nom_commande"
    )
    for module in MODULES:
        module.declarer(commandes)
    return analyseur


if __name__ == "__main__":
    sys.exit(main())
