"""Mesurer les distances et les temps entre communes, sans réseau routier.

À défaut de temps de trajet, on compte la distance à vol d'oiseau entre mairies, allongée d'un
coefficient de détour, à vitesse constante : une hypothèse que la carte écrit à côté d'elle.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

RAYON_TERRE_KM = 6371.0088  # rayon moyen (UGGI)


def distances_km(points: ArrayLike, vers: ArrayLike | None = None) -> NDArray[np.float64]:
    """Mesurer les distances de grand cercle, en kilomètres, entre deux listes de points.

    `points` : n lignes (longitude, latitude) en degrés ; `vers` : m lignes, ou rien pour
    `points` lui-même. Rend une matrice n × m ; NaN là où une coordonnée manque. Lève ValueError si
    une coordonnée n'est pas en degrés. Formule de haversine, sur la sphère (à 0,5 % près).
    """
    depart = _radians(points)[:, None, :]
    arrivee = depart.swapaxes(0, 1) if vers is None else _radians(vers)[None, :, :]
    ecart = np.sin((arrivee - depart) / 2) ** 2
    cosinus = np.cos(depart[..., 1]) * np.cos(arrivee[..., 1])
    return 2 * RAYON_TERRE_KM * np.arcsin(np.sqrt(ecart[..., 1] + cosinus * ecart[..., 0]))


def _radians(points: ArrayLike) -> NDArray[np.float64]:
    degres = np.asarray(points, dtype=float)
    if degres.ndim != 2 or degres.shape[1] != 2:
        raise ValueError(f"Deux colonnes attendues, longitude et latitude (trouvé {degres.shape}).")
    if np.any(np.abs(degres) > (180, 90)):
        raise ValueError("Des degrés sont attendus, longitude puis latitude.")
    return np.radians(degres)


def minutes(
    points: ArrayLike, coefficient: float, vitesse: float, vers: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Estimer les temps de trajet, en minutes, entre deux listes de points.

    `coefficient` : route parcourue pour un kilomètre à vol d'oiseau ; `vitesse` : kilomètres par
    heure. Mêmes `points`, même matrice et mêmes erreurs que distances_km ; ValueError aussi si
    `coefficient` ou `vitesse` n'est pas positif.
    """
    if not (coefficient > 0 and vitesse > 0):
        raise ValueError("Le coefficient de détour et la vitesse doivent être positifs.")
    return distances_km(points, vers) * coefficient / vitesse * 60
