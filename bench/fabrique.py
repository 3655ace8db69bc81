"""Fabriquer de grands fichiers nationaux à la forme de la BPE et d'un Melodi de l'Insee."""

from __future__ import annotations

import random
from pathlib import Path

from ctg_data import referentiel

COLONNES_BPE = (
    "AN;NOMRS;CNOMRS;NUMVOIE;INDREP;TYPVOIE;LIBVOIE;CADR;CODPOS;DEPCOM;DEP;REG;LIBCOM;DOM;SDOM;"
    "TYPEQU;SIRET;STATUT_DIFFUSION;CANTINE;INTERNAT;RPI;EP;CL_PGE;SECT;ACCES_AIRE;ACCES_LIBRE;"
    "CAPACITE;INDIC_CAPA;COUVERT;ECLAIRE;LAMBERT_X;LAMBERT_Y;LONGITUDE;LATITUDE;QUALITE_XY;EPSG;"
    "QUALITE_GEOLOC;TR_DIST_PRECISION;DCIRIS;QP;QUALI_QP;UU;AAV;BV;EPCI"
)
COLONNES_MELODI = ("GEO", "GEO_OBJECT", "SEX", "AGE", "RP_MEASURE", "TIME_PERIOD", "OBS_VALUE")
TYPES = ("D502", "D504", "C107", "C108", "C109", "A101", "B203", "B207", "F307", "D201", "D265")
# Le bloc de lignes différentes qu'on répète : assez grand pour que rien ne tienne en cache.
BLOC_BPE = 100_000
# Comme le vrai fichier : les communes, et un cinquième de lignes d'autres niveaux.
PART_AUTRES = 0.2
PROFILS = 50
ANNEE = "2024"


def fabriquer_bpe(chemin: Path, lignes: int) -> None:
    """Écrire un CSV de BPE d'au moins `lignes` lignes, environ 330 octets chacune."""
    hasard = random.Random(1)
    codes = sorted(referentiel.communes().index)
    bloc = "".join(_equipement(hasard, codes) for _ in range(min(BLOC_BPE, lignes))).encode()
    with chemin.open("wb") as sortie:
        sortie.write(f"{COLONNES_BPE}\n".encode())
        for _ in range(0, lignes, BLOC_BPE):
            sortie.write(bloc)


def _equipement(hasard: random.Random, codes: list[str]) -> str:
    code, genre = hasard.choice(codes), hasard.choice(TYPES)
    tirets = '"_Z";' * 8
    return (
        f'{ANNEE};"ETABLISSEMENT {hasard.randint(1, 99999)}";"_Z";"{hasard.randint(1, 99)}";"";'
        f'"RUE";"DE LA REPUBLIQUE";"";"{code[:2]}{hasard.randint(0, 999):03d}";"{code}";'
        f'"{code[:2]}";"76";"Commune de {code}";"{genre[0]}";"{genre[:2]}";"{genre}";'
        f'"{hasard.randint(10**13, 10**14 - 1)}";"O";{tirets}{hasard.choice(["20", "40", ""])};'
        f'"_Z";"_Z";"_Z";{hasard.uniform(1e5, 1e6):.2f};{hasard.uniform(6e6, 7e6):.2f};'
        f'{hasard.uniform(-4, 8):.6f};{hasard.uniform(42, 51):.6f};"Bonne";"2154";"11";"_Z";'
        f'"{code}_{code}0101";"CSZ";"_Z";"{code}";"{code[:3]}";"{code}";"200034692"\n'
    )


def fabriquer_melodi(chemin: Path, communes: int) -> None:
    """Écrire un long Melodi de population par sexe et âge : 306 lignes par commune."""
    hasard = random.Random(2)
    profils = [_profil(hasard) for _ in range(PROFILS)]
    codes = sorted(referentiel.communes().index, key=lambda c: hasard.random())[:communes]
    autres = [f"{rang:05d}" for rang in range(int(PART_AUTRES * len(codes)))]
    with chemin.open("wb") as sortie:
        sortie.write((";".join(f'"{c}"' for c in COLONNES_MELODI) + "\n").encode())
        for rang, code in enumerate(codes):
            sortie.write(profils[rang % PROFILS].replace(b"@@@@@", code.encode()))
        for rang, code in enumerate(autres):
            profil = profils[rang % PROFILS].replace(b'"COM"', b'"BV2022"')
            sortie.write(profil.replace(b"@@@@@", code.encode()))


def _profil(hasard: random.Random) -> bytes:
    ages = [*(f"Y{age}" for age in range(100)), "Y_GE100", "_T"]
    return "".join(
        f'"@@@@@";"COM";"{sexe}";"{age}";"POP";{ANNEE};{hasard.uniform(0, 300):.8f}\n'
        for sexe in ("M", "F", "_T")
        for age in ages
    ).encode()
