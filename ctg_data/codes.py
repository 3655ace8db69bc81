"""Reconnaître un code commune, même abîmé par un tableur, et dire ce que les autres codes sont."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

from ctg_data import referentiel
from ctg_data.anomalies import Gravite, abreger
from ctg_data.textes import INSECABLE, enumeration

CODE_COMMUNE = re.compile(r"(\d{2}|2[AB])\d{3}", re.ASCII)
# Collectivités d'outre-mer que le référentiel des communes ne porte pas.
_OUTRE_MER = re.compile(r"97[578]\d\d|98[4-9]\d\d", re.ASCII)
_FORMULE = re.compile(r'=\s*"([^"]*)"|=\s*\'([^\']*)\'')
_PREFIXE = re.compile(r"(\d{4}-)?COM-")
_FLOTTANT = re.compile(r"(\d{1,9})[.,]0+", re.ASCII)
# Marques de la Caf et de l'IGN : commune inconnue, à l'étranger ou non localisée.
SANS_COMMUNE = frozenset({"XX", "XXX", "XXXXX", "99999", "00000", "ZZZZZ", "NR", "NC"})
_CORRIGER = "Écrivez le code Insee de la commune, cinq caractères (01004, 2A004)."


@dataclass(frozen=True)
class Code:
    """Porter un code lu : le code actuel (vide si refusé) et ce qu'il faut en dire.

    `sorte` : commune, ancien, arrondissement, departement, epci, iris, postal, sans_commune ou
    inconnu.
    """

    code: str
    sorte: str = "commune"
    regle: str = ""
    correction: str = ""
    gravite: Gravite = "information"


def completer(brut: str) -> str:
    """Rendre le code que l'on a voulu écrire, sans rien consulter.

    « 1001 », « 1001.0 », « ="01001" », « '01001 » → 01001 ; « 2a004 » → 2A004 ; « COM-30258 » →
    30258. Ce qui n'a pas l'air d'un code abîmé est rendu tel quel.
    """
    texte = brut.strip().strip("'\"\u2019\u00a0 ")
    formule = _FORMULE.fullmatch(brut.strip())
    if formule:
        texte = (formule[1] or formule[2] or "").strip()
    texte = _PREFIXE.sub("", texte.upper())
    flottant = _FLOTTANT.fullmatch(texte)
    texte = flottant[1] if flottant else texte
    serre = re.sub("[ \u00a0\u202f]", "", texte)
    texte = serre if re.fullmatch(r"[\dAB]{4,9}", serre, re.ASCII) else texte
    return texte.zfill(5) if re.fullmatch(r"\d{4}", texte, re.ASCII) else texte


@lru_cache(maxsize=1)
def noms_des_communes() -> dict[str, str]:
    """Rendre le nom de chaque commune actuelle, par code : bien plus rapide qu'une table."""
    noms = referentiel.communes()["nom"]
    return dict(zip(map(str, noms.index), map(str, noms), strict=True))


def normaliser(brut: str) -> Code:
    """Rendre le code commune actuel qu'un texte désigne, d'après le référentiel national.

    Un zéro perdu, une casse, un ancien code se réparent en le disant ; un code postal, un
    département, un EPCI ou un code inconnu est refusé avec ce qu'il faut écrire.
    """
    if brut in noms_des_communes():
        return Code(brut)
    code = completer(brut)
    if code in noms_des_communes() or _OUTRE_MER.fullmatch(code):
        return _complete(brut.strip(), code)
    if code in referentiel.arrondissements():
        return _arrondissement(code)
    if code in referentiel.anciens():
        return _ancien(code)
    return _refuse(brut.strip(), code)


def _complete(brut: str, code: str) -> Code:
    if brut == code:
        return Code(code)
    return Code(code, regle=f"{abreger(brut)} → {code}")


def _arrondissement(code: str) -> Code:
    ville = referentiel.arrondissements()[code]
    nom = noms_des_communes()[ville]
    regle = f"{code} est un arrondissement de {nom} ({ville})"
    conseil = f"Écrivez une seule ligne pour {nom}, code {ville}, et retirez ses arrondissements."
    return Code(ville, "arrondissement", regle, conseil, "erreur")


def _ancien(code: str) -> Code:
    actuel, date = referentiel.anciens()[code]
    nom = noms_des_communes().get(actuel, actuel)
    ancien = referentiel.disparues()["nom"].get(code, "")
    if code.startswith("20"):
        return Code(actuel, "ancien", f"{code} → {actuel}")
    quand = f" le {'/'.join(reversed(date.split('-')))}" if date else ""
    nomme = f"{code} ({ancien})" if ancien else code
    regle = f"{nomme} est devenu {actuel} ({nom}){quand}"
    conseil = "Vérifiez que les valeurs sont celles de la commune actuelle."
    return Code(actuel, "ancien", regle, conseil, "avertissement")


def _refuse(brut: str, code: str) -> Code:
    if code in SANS_COMMUNE:
        return Code("", "sans_commune", f"«{INSECABLE}{code}{INSECABLE}» n'est pas une commune")
    if re.fullmatch(r"\d{9}", code, re.ASCII) and code[:5] in noms_des_communes():
        regle = f"code d'Iris de la commune {code[:5]}, pas un code commune"
        conseil = "Déposez le tableau des communes, pas celui de leurs quartiers."
        return Code("", "iris", regle, conseil, "erreur")
    if re.fullmatch(r"\d{9}", code, re.ASCII):
        nom = referentiel.epci()["nom"].get(code)
        qui = f" ({nom})" if nom else ""
        regle = f"numéro SIREN d'EPCI{qui} au lieu d'un code commune"
        return Code("", "epci", regle, _CORRIGER, "erreur")
    if (
        code in referentiel.departements().index
        or code.zfill(2) in referentiel.departements().index
    ):
        regle = f"code de département ({len(code)} caractères), il faut une commune (5)"
        return Code("", "departement", regle, _CORRIGER, "erreur")
    if CODE_COMMUNE.fullmatch(code):
        postal = _postal(code)
        if postal:
            return postal
        return _inconnu(code)
    return _mal_forme(brut)


def _postal(code: str) -> Code | None:
    trouvees = referentiel.communes()
    trouvees = trouvees[trouvees["codes_postaux"].str.contains(code, regex=False)]
    if trouvees.empty:
        return None
    return refus_postal(code, trouvees.index)


def refus_postal(code: str, communes: Iterable[str]) -> Code:
    """Refuser un code postal en proposant les codes des communes qu'il dessert."""
    noms = noms_des_communes()
    proposes = enumeration([f"{c} ({noms[c]})" for c in communes], maximum=4)
    regle = f"{code} est un code postal, pas un code commune"
    return Code("", "postal", regle, f"Écrivez le code Insee{INSECABLE}: {proposes}.", "erreur")


def _inconnu(code: str) -> Code:
    proches = get_close_matches(code, _du_departement(code), 1, cutoff=0.75)
    conseil = _CORRIGER
    if proches:
        nom = noms_des_communes()[proches[0]]
        conseil = (
            f"Vouliez-vous «{INSECABLE}{proches[0]}{INSECABLE}» ({nom}){INSECABLE}? {_CORRIGER}"
        )
    regle = f"code commune «{INSECABLE}{code}{INSECABLE}» inconnu"
    return Code("", "inconnu", regle, conseil, "erreur")


def _du_departement(code: str) -> list[str]:
    return [c for c in noms_des_communes() if c.startswith(code[:2])]


def _mal_forme(brut: str) -> Code:
    if not brut:
        return Code("", "inconnu", "code commune absent", _CORRIGER, "erreur")
    trouvees = referentiel.chercher(brut, 3) if re.search("[^\\W\\d_]{3}", brut) else None
    conseil = _CORRIGER
    if trouvees is not None and len(trouvees):
        proposes = [f"{c} ({n})" for c, n in trouvees["libelle"].items()]
        conseil = f"Écrivez le code Insee{INSECABLE}: {enumeration(proposes)}."
    regle = f"«{INSECABLE}{abreger(brut)}{INSECABLE}» n'est pas un code commune"
    return Code("", "inconnu", regle, conseil, "erreur")
