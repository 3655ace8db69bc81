"""Écrire territoire.toml : ce que l'on sait d'un territoire, et la réserve du reste."""

from __future__ import annotations

import json
import re
from typing import Any

from tables_territoires import Ligne, typographier

MISSIONS = (
    (
        "recenser",
        "Recenser les besoins des jeunes enfants et de leurs familles, et les modes d'accueil",
        "CASF, L214-1-3, I, 1°",
    ),
    (
        "informer",
        "Informer et accompagner les familles et les futurs parents",
        "CASF, L214-1-3, I, 2°",
    ),
    (
        "planifier",
        "Planifier, au vu du recensement, le développement des modes d'accueil",
        "CASF, L214-1-3, I, 3°",
    ),
    ("qualite", "Soutenir la qualité des modes d'accueil", "CASF, L214-1-3, I, 4°"),
    (
        "schema",
        "Adopter un schéma pluriannuel de maintien et de développement de l'offre d'accueil",
        "CASF, L214-2 et D214-10-1",
    ),
    ("rpe", "Mettre en place un relais petite enfance", "CASF, L214-2-1 (depuis le 01/01/2026)"),
)
RESERVE_SPPE = (
    "Articles lus dans des copies secondaires : à relire sur Légifrance avant tout usage officiel."
)
FICHES: dict[str, dict[str, Any]] = {
    "costieres_camargue": {
        "nom": "Costières Camargue",
        "locatif": "à Costières Camargue",
        "couvre_exactement": False,
        "ctg": {
            "date_signature": "2022-06-15",
            "duree_annees": 4,
            # Année déduite de la durée : la convention elle-même n'a pas été lue.
            "annee_debut": 2022,
            "annee_fin": 2026,
            "renouvellement": "inconnu",
            "a_verifier": True,
            "reserve": "CTG signée le 15/06/2022 pour quatre ans. La date exacte de fin et un "
            "éventuel renouvellement sont inconnus : à renseigner au premier démarrage.",
        },
        "titulaire": "commune",
        "reserve": "Chaque commune serait autorité organisatrice : Nîmes Métropole n'exerçait pas "
        "la compétence en novembre 2023. À vérifier commune par commune, avec l'exploitant.",
        "reserves": {
            "schema": "Obligation propre à Saint-Gilles, seule commune de plus de 10 000 "
            "habitants. Titulaire et état du schéma à vérifier.",
            "rpe": "Obligation propre à Saint-Gilles, seule commune de plus de 10 000 habitants. "
            "Un seul relais recensé, à Saint-Gilles (BPE 2025) : titulaire, exploitant et "
            "communes desservies à vérifier.",
        },
    },
    "gard_rhodanien": {
        "nom": "Gard rhodanien",
        "locatif": "dans le Gard rhodanien",
        "couvre_exactement": True,
        "ctg": {
            "annee_debut": 2022,
            "annee_fin": 2026,
            "renouvellement": "a_engager",
            "a_verifier": True,
            "reserve": "CTG 2022-2026 : évaluation et renouvellement à engager. Dates exactes de "
            "signature et de fin à renseigner.",
        },
        "titulaire": "epci",
        "reserve": "Si l'agglomération exerce les quatre missions, toutes les obligations "
        "s'appliquent à son niveau. Transfert de compétence et exploitant à vérifier.",
        "reserves": {
            "schema": "L'agglomération dépasse 10 000 habitants : le schéma lui revient si elle "
            "exerce la compétence. À vérifier.",
            "rpe": "Deux relais recensés, à Bagnols-sur-Cèze et à Pont-Saint-Esprit (BPE 2025), "
            "gérés par l'agglomération selon les éléments recueillis. À vérifier.",
        },
    },
}
ENTETE = """\
# Territoire embarqué, écrit par scripts/construire_territoires.py : ne pas modifier ici.
# a_verifier = true : information à confirmer, à montrer avec sa réserve ou à ne pas montrer.
"""


def toml(valeur: object) -> str:
    """Écrire une valeur TOML ; une date AAAA-MM-JJ s'écrit sans guillemets."""
    if isinstance(valeur, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", valeur):
        return valeur
    texte = typographier(valeur) if isinstance(valeur, str) else valeur
    return json.dumps(texte, ensure_ascii=False)


def bloc(titre: str, valeurs: dict[str, Any]) -> str:
    """Écrire un bloc TOML ; un titre vide écrit les clés de tête."""
    lignes = [f"[{titre}]"] if titre else []
    return "\n".join([*lignes, *(f"{cle} = {toml(v)}" for cle, v in valeurs.items())]) + "\n"


def blocs_missions(fiche: dict) -> list[str]:
    """Écrire les six missions : aucune n'est tenue pour sûre, chacune dit sa réserve."""
    return [
        bloc(
            "[missions]",
            {
                "code": code,
                "libelle": libelle,
                "article": article,
                "titulaire": fiche["titulaire"],
                "exploitant": "",
                "a_verifier": True,
                "reserve": fiche["reserves"].get(code, fiche["reserve"]),
            },
        )
        for code, libelle, article in MISSIONS
    ]


def fiche_toml(nom: str, communes: list[Ligne]) -> str:
    """Écrire la fiche d'un territoire : communes, EPCI, références, CTG et missions."""
    fiche = FICHES[nom]
    epci = sorted({(li["code_epci"], li["nom_epci"]) for li in communes})
    tete = {
        "identifiant": nom,
        "nom": fiche["nom"],
        "locatif": fiche["locatif"],
        "communes": sorted(li["code_commune"] for li in communes),
        "references": ["territoire", "epci", "departement", "france"],
    }
    exact = fiche["couvre_exactement"]
    return "\n".join(
        [
            ENTETE + bloc("", tete),
            *(
                bloc("[epci]", {"code": code, "nom": libelle, "couvre_exactement": exact})
                for code, libelle in epci
            ),
            bloc("departement", {"code": "30", "nom": "Gard"}),
            bloc("region", {"code": "76", "nom": "Occitanie"}),
            bloc("ctg", fiche["ctg"]),
            bloc("demonstration", {"tables": ["equipements", "assistantes_maternelles"]}),
            bloc("sppe", {"a_verifier": True, "reserve": RESERVE_SPPE}),
            *blocs_missions(fiche),
        ]
    )
