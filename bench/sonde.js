// Lit l'état affiché à chaque image et date le premier instant où l'état attendu est peint.
window.sonde = {
  texte() {
    return document.querySelector('[data-testid="stMain"] h3')?.textContent ?? "";
  },
  // Tout ce qui dépend de l'indicateur : textes (SVG compris), aplats, barres, cercles.
  peint() {
    const principal = document.querySelector('[data-testid="stMain"]');
    if (!principal) return "";
    const aplats = [...principal.querySelectorAll(".choroplethlayer path")].map(
      (p) => p.getAttribute("fill") ?? p.style.fill
    );
    const barres = [...principal.querySelectorAll(".barlayer .point path, .classement .barre")].map(
      (p) => p.getAttribute("d") ?? p.style.cssText
    );
    const cercles = [...principal.querySelectorAll(".scattergeo path.point")].map((p) =>
      p.getAttribute("d")
    );
    const cadres = [...principal.querySelectorAll("iframe")].map((cadre) =>
      [...(cadre.contentDocument?.querySelectorAll("path.leaflet-interactive") ?? [])]
        .map((p) => p.getAttribute("fill"))
        .join()
    );
    return [principal.textContent, aplats, barres, cercles, cadres].join("|");
  },
  occupe() {
    const etat = document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState;
    return etat === "running" || etat === "rerunRequested";
  },
  // Attend que rien n'ait bougé pendant `calme` ms ; rend l'état.
  repos(calme) {
    return new Promise((resoudre) => {
      let dernier = "", depuis = performance.now();
      const voir = () => {
        const etat = this.peint();
        if (etat !== dernier || this.occupe()) {
          dernier = etat;
          depuis = performance.now();
        }
        if (performance.now() - depuis > calme)
          resoudre({ texte: this.texte(), peint: this.peint() });
        else requestAnimationFrame(voir);
      };
      voir();
    });
  },
  // À partir du prochain clic sur une option, date l'apparition du texte et de l'état attendus.
  armer(attendu) {
    this.mesure = null;
    const releve = {};
    const suivre = (clic) => {
      const voir = () => {
        if (!("texte" in releve) && this.texte() === attendu.texte) this.dater(releve, "texte", clic);
        if (!("peint" in releve) && this.peint() === attendu.peint) this.dater(releve, "peint", clic);
        if (!("texte" in releve) || !("peint" in releve)) requestAnimationFrame(voir);
      };
      requestAnimationFrame(voir);
    };
    const surClic = (evenement) => {
      if (!evenement.target.closest('[role="option"]')) return;
      document.removeEventListener("click", surClic, true);
      suivre(evenement.timeStamp);
    };
    document.addEventListener("click", surClic, true);
    this.releve = releve;
  },
  // L'état est vu avant le dessin de l'image : il est peint quand l'image suivante commence.
  dater(releve, nom, clic) {
    releve[nom] = null;
    requestAnimationFrame(() => {
      releve[nom] = performance.now() - clic;
      if (releve.texte && releve.peint) this.mesure = releve;
    });
  },
};
