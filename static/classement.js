// Écrit un classement : une liste de boutons, une barre par commune.
export function classer(cadre, { rangs, repere }, cliquer) {
  cadre.setAttribute("role", "list");
  cadre.classList.add("classement");
  cadre.replaceChildren(...(repere ? [etiquette(repere)] : []), ...rangs.map((r) => rang(r, repere, cliquer)));
}

function element(balise, classe, ...contenu) {
  const cree = document.createElement(balise);
  cree.className = classe;
  cree.append(...contenu);
  return cree;
}

function etiquette([position, texte]) {
  const marque = element("span", "repere", texte);
  marque.style.left = `${position}%`;
  return element("div", "entete", element("span", "nom"), element("span", "piste", marque));
}

function rang(donnees, repere, cliquer) {
  const barre = element("span", "barre");
  barre.style.cssText = `left:${donnees.depart}%;width:${donnees.largeur}%;background-color:${donnees.couleur}`;
  const valeur = element("span", "valeur", donnees.texte);
  const bout = donnees.negative ? `right:${100 - donnees.depart}%` : `left:${donnees.depart + donnees.largeur}%`;
  valeur.style.cssText = bout;
  const piste = element("span", "piste", barre, valeur);
  if (repere) piste.style.setProperty("--repere", `${repere[0]}%`);
  const bouton = element("button", "rang", element("span", "nom", donnees.nom), piste);
  bouton.dataset.code = donnees.code;
  bouton.title = donnees.titre;
  bouton.setAttribute("aria-label", donnees.lu);
  bouton.classList.toggle("choisie", donnees.choisie);
  bouton.classList.toggle("incertaine", donnees.incertaine);
  bouton.classList.toggle("avec-repere", Boolean(repere));
  bouton.onclick = () => cliquer(donnees.code);
  const ligne = element("div", "ligne", bouton);
  ligne.setAttribute("role", "listitem");
  return ligne;
}
