"""The Spanish of an order's text: each message by its English.

The terms are those of maintenance in Spanish (UNE-EN 13306, UNE-EN ISO 14224): modo de fallo, orden de trabajo, parada
planificada, consignación. Messages say the asset's and the people's names as they are, without an article, because
their gender is not known. A placeholder stands where the sentence needs it.
"""

from collections.abc import Mapping
from typing import Final

MESSAGES: Final[Mapping[str, str]] = {
    # When, what and why: the paragraphs of an order.
    "at once": "de inmediato",
    "after the running job": "después del trabajo de producción en curso",
    "at the next planned stop": "en la próxima parada planificada",
    "Suspected: {asset} of {machine}, failure mode {mode} (ISO 14224).": (
        "Sospecha: {asset} de {machine}, modo de fallo {mode} (ISO 14224)."
    ),
    "Confirmed by {codes}.": "Confirmado por {codes}.",
    "Seen: {observations}.": "Observado: {observations}.",
    "What to do: {response}": "Qué hacer: {response}",
    "Job plan: {plan}.": "Gama de mantenimiento: {plan}.",
    "Why: {because}": "Por qué: {because}",
    "When: {when}.": "Cuándo: {when}.",
    "Running: job {job}, read {at} UTC.": "En curso: trabajo de producción {job}, leído el {at} UTC.",
    "Nothing is known of production.": "No se conoce el estado de la producción.",
    "Cost: {sentences}": "Coste: {sentences}",
    "Depends: {sentences}": "Dependencias: {sentences}",
    "Otherwise: {sentences}": "En otro caso: {sentences}",
    "History: {count} observations from {first} to {last} UTC.": (
        "Historial: {count} observaciones desde el {first} hasta el {last} UTC."
    ),
    "Decided by policy {policy} {version}, rule {rule}, digest {digest}, severity {severity}.": (
        "Decidido por la política {policy} {version}, regla {rule}, huella {digest}, gravedad {severity}."
    ),
    "Trace: {trace}": "Traza: {trace}",
    "reported by {detector}": "notificado por {detector}",
    "{value} against {baseline}": "{value} frente a {baseline}",
    "{score} standard errors": "{score} errores estándar",
    "{at} {observation} by {detector}": "{at} {observation}, según {detector}",
    # The order of a person that is the order of a case.
    "Millwright {case} found the same fault: {codes} means {mode} here.": (
        "Millwright {case} detectó el mismo fallo: {codes} significa aquí {mode}."
    ),
    "It makes no order of its own while this one is open with that code.": (
        "No crea una orden propia mientras esta siga abierta con ese código."
    ),
    "It makes one if this one ends without that finding.": "La creará si esta termina sin ese hallazgo.",
    # Reminders of an outcome that is missing.
    "Millwright {case} does not know yet what this work found: {codes} does not say it.": (
        "Millwright {case} aún no sabe qué se encontró en este trabajo: {codes} no lo dice."
    ),
    "Millwright {case} does not know yet what this work found: the order has no failure code.": (
        "Millwright {case} aún no sabe qué se encontró en este trabajo: la orden no tiene código de fallo."
    ),
    "Enter on this order what was found, or tell the planner.": (
        "Anote en esta orden lo que se encontró, o comuníquelo al planificador."
    ),
    "Reminder {number} of {count}.": "Recordatorio {number} de {count}.",
    # Work that did not help.
    "Rework:": "Trabajo repetido:",
    "{work} did not help.": "{work} no resolvió el fallo.",
    "order {order} (case {case})": "la orden {order} (caso {case})",
    "case {case}": "el caso {case}",
    "{person} had the machine held again after its test run at {at} UTC: {reason}.": (
        "{person} hizo retener de nuevo la máquina tras su marcha de prueba, el {at} UTC: {reason}."
    ),
    "Of the test run: {found}.": "De la marcha de prueba: {found}.",
    "Of its verification: {found}.": "De su verificación: {found}.",
    # The fault has returned to normal, or is back.
    "The fault has returned to normal: {readings} readings from {since} to {until} UTC are at the baseline.": (
        "El fallo ha vuelto a la normalidad: {readings} lecturas del {since} al {until} UTC están en el nivel habitual."
    ),
    "Look before the work is done. Millwright leaves this order as it is.": (
        "Compruébelo antes de hacer el trabajo. Millwright deja esta orden como está."
    ),
    "The fault is back: its signal did not stay at its baseline. The order is wanted as before.": (
        "El fallo ha reaparecido: su señal no se mantuvo en el nivel habitual. La orden sigue siendo necesaria."
    ),
    # The hold of the machine.
    "A hold in the MES is not an isolation; lock out and tag out.": (
        "Una retención en el MES no es una consignación; bloquee y señalice las fuentes de energía."
    ),
    "The hold is advisory: this MES does not enforce it, and people can start the job.": (
        "La retención es solo un aviso: este MES no la impone, y se puede arrancar el trabajo de producción."
    ),
    "It is not known whether the hold is only advisory: this MES may not enforce it.": (
        "No se sabe si la retención es solo un aviso: es posible que este MES no la imponga."
    ),
    "advisory: the MES does not enforce it": "solo un aviso: el MES no la impone",
    "perhaps only advisory: the MES does not say if it enforces it": (
        "quizá solo un aviso: el MES no indica si la impone"
    ),
    "Hold of {equipment} in the MES: {standing}.": "Retención de {equipment} en el MES: {standing}.",
    "The MES is asked to hold {equipment} at once.": "Se pide al MES que retenga {equipment} de inmediato.",
    "The MES is asked to hold {equipment} from {at} UTC.": (
        "Se pide al MES que retenga {equipment} a partir del {at} UTC."
    ),
    "Production is asked whether {equipment} may be held from {at} UTC.": (
        "Se ha preguntado a producción si se puede retener {equipment} a partir del {at} UTC."
    ),
    "Production refused to hold {equipment}: {reason}.": "Producción no permite retener {equipment}: {reason}.",
    "Production lets {equipment} be held from {at} UTC.": (
        "Producción permite retener {equipment} a partir del {at} UTC."
    ),
    "runs on test since {begun} UTC, until {until} UTC; not released for good": (
        "en marcha de prueba desde el {begun} UTC hasta el {until} UTC; sin liberar definitivamente"
    ),
    "job {job} is held, and it cannot be proved that the hold is ours": (
        "el trabajo de producción {job} está retenido, y no se puede probar que la retención sea nuestra"
    ),
    "accepted by the MES, not in effect: job {job} was not read as held": (
        "aceptada por el MES, sin efecto: no se ha leído que el trabajo de producción {job} esté retenido"
    ),
    "partial: job {others} is not held, so the machine may run; job {job} is held": (
        "parcial: el trabajo de producción {others} no está retenido, así que la máquina puede marchar; el trabajo "
        "de producción {job} sí está retenido"
    ),
    "in effect: job {job} was read as held at {at} UTC": (
        "en vigor: el trabajo de producción {job} constaba como retenido el {at} UTC"
    ),
    "asked for; no job is held at present": "solicitada; ahora no hay ningún trabajo de producción retenido",
    # Other work that is open on the asset.
    "waiting approval": "pendiente de aprobación",
    "approved": "aprobada",
    "in progress": "en curso",
    "on hold": "en espera",
    "completed": "terminada",
    "cancelled": "anulada",
    "skipped": "cerrada sin ejecutar",
    "deleted": "borrada",
    "{record} with order {order}": "{record} con la orden {order}",
    "{record} of case {case}": "{record} del caso {case}",
    "reported {at} by {person}": "notificada el {at} por {person}",
    "reported {at}": "notificada el {at}",
    "reported by {person}": "notificada por {person}",
    " or ": " o ",
    "Asked at {at} UTC for work reported since {since}.": (
        "Consultado el {at} UTC: trabajos notificados desde el {since}."
    ),
    "Perhaps other work is open on this asset: there is none among its newest records, and only those were "
    "asked for.": (
        "Puede haber otros trabajos abiertos en este activo: no hay ninguno entre sus registros más recientes, y solo "
        "se consultaron esos."
    ),
    "Look there for the same work.": "Busque ahí el mismo trabajo.",
    "Possibly the same as {orders}.": "Posiblemente el mismo trabajo que {orders}.",
    "Also open on this asset: {count} more.": "Abiertos también en este activo: {count} más.",
    "Also open on this asset: at least {count} more.": "Abiertos también en este activo: al menos {count} más.",
    "Perhaps more is open on this asset.": "Puede haber más trabajos abiertos en este activo.",
    "Not readable, and perhaps open: {count} more ({first}).": (
        "No se pudieron leer, y quizá estén abiertos: {count} más."
    ),
    "If it is the same work, cancel one of the orders.": "Si es el mismo trabajo, anule una de las órdenes.",
    # What the check of the draft found.
    "To complete before the work: {findings}.": "Completar antes del trabajo: {findings}.",
    "the order is on a {detail}, and not on a machine or a part of it": (
        "la orden está en {detail}, y no en una máquina ni en una parte de ella"
    ),
    "the failure mode is not known ({detail})": "no se conoce el modo de fallo ({detail})",
    "the rule does not say what to do": "la regla no dice qué hacer",
    "the work was due at {detail} UTC, before the order was written": (
        "el trabajo vencía el {detail} UTC, antes de que se redactara la orden"
    ),
    "the site states no job plan for {detail}": "la planta no indica ninguna gama de mantenimiento para {detail}",
    "no cost was computed: {detail}": "no se calculó ningún coste: {detail}",
    "the summary is longer than the CMMS takes, by {detail} characters": (
        "el resumen supera en {detail} caracteres lo que admite la GMAO"
    ),
    "the text is longer than the CMMS takes, by {detail} characters": (
        "el texto supera en {detail} caracteres lo que admite la GMAO"
    ),
    # The table and the chart of the evidence.
    "time (UTC)": "hora (UTC)",
    "detected by": "detectado por",
    "signal": "señal",
    "value": "valor",
    "baseline": "línea de base",
    "unit": "unidad",
    "standard errors": "errores estándar",
    "error code": "código de error",
    # Costs, and what depends on the machine.
    "If the machine stops, these stop with it: {machines}.": "Si la máquina para, paran con ella: {machines}.",
    "{machine} stands in for it and runs, so that no production is lost while it stands.": (
        "{machine} sustituye a la máquina y está en marcha, así que no se pierde producción mientras esta está parada."
    ),
    "Nothing was priced: {why}.": "No se calculó ningún coste: {why}.",
    "The machine is to be stopped at the next safe stop of its own program.": (
        "La máquina debe pararse en la próxima parada segura de su propio programa."
    ),
    "This follows a written rule of the site: {rule}.": "Se aplica una norma escrita de la planta: {rule}.",
    "{what} ({at} UTC) costs about {total}, of which {failure} is expected failure (probability {share} %).": (
        "{what} ({at} UTC) cuesta unos {total}, de los que {failure} son el coste esperado del fallo (probabilidad "
        "{share} %)."
    ),
    "{what} ({at} UTC) costs about {total}.": "{what} ({at} UTC) cuesta unos {total}.",
    "The alternatives cost: {others}.": "Las alternativas cuestan: {others}.",
    "No change of one input alone would change the choice.": "Ningún cambio de un solo dato cambiaría la elección.",
    "The choice changes at {factor} times {name}.": "La elección cambia si se multiplica por {factor}: {name}.",
    "stopping now": "parar ahora",
    "waiting for the end of the running job": "esperar al fin del trabajo de producción en curso",
    "waiting until the planned stop": "esperar a la parada planificada",
    "running derated until the planned stop": "marchar a carga reducida hasta la parada planificada",
    "the production lost per hour": "la producción perdida por hora",
    "the changeover": "el cambio de producto",
    "the scrap": "las piezas desechadas",
    "the crew's rate": "la tarifa del personal",
    "the crew's rate outside regular hours": "la tarifa del personal fuera de la jornada normal",
    "the length of the planned work": "la duración del trabajo planificado",
    "the length of the repair after a failure": "la duración de la reparación tras un fallo",
    "the length of the stop": "la duración de la parada",
    "the damage of a failure": "los daños de un fallo",
    "the lead time": "el plazo hasta el fallo",
    "the loss of running derated": "la pérdida por marchar a carga reducida",
    "the life that derating gives": "la vida que se gana a carga reducida",
    # Notes on an order that was placed.
    "It now asks for a draft for the planner.": "Ahora pide un borrador para el planificador.",
    "It now asks for work, without further review.": "Ahora pide el trabajo, sin más revisión.",
    "It now asks for work, and a hold of the machine until then.": (
        "Ahora pide el trabajo, y que se retenga la máquina hasta entonces."
    ),
    "Production started {equipment} in the MES; seen at {at} UTC. The hold is overruled and is not placed again "
    "for this order.": (
        "Producción arrancó {equipment} en el MES; visto el {at} UTC. La retención queda sin efecto y no se vuelve a "
        "aplicar para esta orden."
    ),
    "The fault became worse after this order was made; last seen at {at} UTC.": (
        "El fallo ha empeorado desde que se creó esta orden; visto por última vez el {at} UTC."
    ),
    "By the policy, the work is due by {at} UTC now.": "Según la política, el trabajo vence ahora el {at} UTC.",
    "Policy {policy} {version}, rule {rule}, severity {severity}, priority {priority}.": (
        "Política {policy} {version}, regla {rule}, gravedad {severity}, prioridad {priority}."
    ),
    "The order is wanted again: the fault was last seen at {at} UTC.": (
        "La orden vuelve a ser necesaria: el fallo se vio por última vez el {at} UTC."
    ),
    "The work may not be needed any more: {why}.": "Puede que el trabajo ya no sea necesario: {why}.",
    "{person} rejected the work: {why}.": "{person} rechazó el trabajo: {why}.",
    "Millwright does not withdraw this order: cancel it if it is not needed.": (
        "Millwright no retira esta orden: anúlela si no es necesaria."
    ),
}
"""The messages of the code."""

RECORDED: Final[Mapping[str, str]] = {
    # Why nothing was priced.
    "its consequence is {consequence}: {says}": "su consecuencia afecta a {consequence}: {says}",
    "safety": "la seguridad",
    "environment": "el medio ambiente",
    "the MES does not answer; {because}": "el MES no responde; {because}",
    "the MES is in doubt: {doubt}; {because}": "los datos del MES son dudosos: {doubt}; {because}",
    "what the MES says was read at another time, {minutes} minutes apart; {because}": (
        "lo que dice el MES se leyó en otro momento, con {minutes} minutos de diferencia; {because}"
    ),
    "the MES knows neither {job} nor a planned stop; {because}": (
        "el MES no conoce {job} ni una parada planificada; {because}"
    ),
    "the end of the running job": "el fin del trabajo de producción en curso",
    "a running job": "ningún trabajo de producción en curso",
    "time to the end of the job": "el tiempo hasta el fin del trabajo de producción",
    "time to the planned stop": "el tiempo hasta la parada planificada",
    # Why the order of a person is not that of a case any more.
    "Order {order} was closed without this work: it is {status}.": (
        "La orden {order} se cerró sin este trabajo: está en estado {status}."
    ),
    "Order {order} was closed without this finding: it was completed with {codes}.": (
        "La orden {order} se cerró sin este hallazgo. Códigos indicados al completarla: {codes}."
    ),
    "no codes": "ninguno",
    "Order {order} has the problem code {codes} now, which does not mean {mode}.": (
        "La orden {order} tiene ahora el código de problema {codes}, que no significa {mode}."
    ),
    "Order {order} has no problem code any more.": "La orden {order} ya no tiene código de problema.",
    "Order {order} was detached, because the case was called off: {why}.": (
        "La orden {order} ya no está vinculada al caso, porque el caso se anuló: {why}."
    ),
    # Why work is not needed any more.
    "its evidence was judged again, the last as {rung}": "su evidencia se volvió a evaluar, la última como «{rung}»",
    "{asset} was retired on {at} UTC by {person}: {why}": "{person} dio de baja {asset} el {at} UTC: {why}",
    "its signal was at its baseline from {since} to {until} UTC": (
        "su señal estuvo en el nivel habitual del {since} al {until} UTC"
    ),
    # What the verification of work has shown.
    "the fault was seen again": "el fallo se observó de nuevo",
    "the fault was seen again at {at} UTC": "el fallo se observó de nuevo el {at} UTC",
    "the fault was seen {count} times, last at {at} UTC": "el fallo se observó {count} veces, la última el {at} UTC",
    "the signal was not at its baseline by {at} UTC, and {fault}": (
        "la señal no estaba en el nivel habitual el {at} UTC, y {fault}"
    ),
    "the signal was at its baseline until {at} UTC, and {fault}": (
        "la señal estuvo en el nivel habitual hasta el {at} UTC, y {fault}"
    ),
    "ignore": "ignorar",
    "watch": "observar",
    # The levels of assets.
    "site": "una planta",
    "line": "una línea",
    # How a hold stands, and the jobs of a hold on a whole machine.
    "releasing": "liberándose",
    "testing": "en marcha de prueba",
    "overruled": "sin efecto",
    "all work orders": "todas las órdenes de producción",
    "all SFCs": "todos los SFC",
    # What would have changed the verdict.
    "It would have been ignored {change}.": "Se habría ignorado {change}.",
    "It would only have been watched {change}.": "Solo se habría observado {change}.",
    "It would have asked for an inspection {change}.": "Se habría pedido una inspección {change}.",
    "It would have drafted a work order {change}.": "Se habría redactado un borrador de orden de trabajo {change}.",
    "It would have ordered work {change}.": "Se habría ordenado el trabajo {change}.",
    "It would have ordered work and a hold {change}.": "Se habrían ordenado el trabajo y una retención {change}.",
    "if it were so that {label}": "si se cumpliera lo siguiente: {label}",
    "if it were not so that {label}": "si no se cumpliera lo siguiente: {label}",
    "if a matching error code had come (codes {now} → {then})": (
        "si hubiera llegado un código de error que lo confirme (códigos {now} → {then})"
    ),
    "if another detector had seen it (detectors {now} → {then})": (
        "si lo hubiera visto otro detector (detectores {now} → {then})"
    ),
    "if another detector or error code had confirmed it ({now} → {then})": (
        "si lo hubiera confirmado otro detector u otro código de error ({now} → {then})"
    ),
    "with {then} {label} (there are {now})": "con {then} {label} (hay {now})",
    "if {label} were {then} (it is {now})": "con este cambio: {label}, {then} (ahora {now})",
    "more than {limit}": "más de {limit}",
    "less than {limit}": "menos de {limit}",
    "exactly {limit}": "exactamente {limit}",
    "at least {limit}": "al menos {limit}",
    "at most {limit}": "como máximo {limit}",
    "never": "nunca",
    "none": "ninguno",
    "true": "sí",
    "false": "no",
    # The names of conditions (`policies.language.display_names`).
    "the asset": "el activo",
    "the asset's class": "la clase del activo",
    "the asset's criticality": "la criticidad del activo",
    "the machine": "la máquina",
    "the line": "la línea",
    "error codes that tell of this failure mode": "códigos de error que indican este modo de fallo",
    "the kind of evidence": "el tipo de evidencia",
    "the failure mode": "el modo de fallo",
    "the detector": "el detector",
    "the signal": "la señal",
    "the error code": "el código de error",
    "the predicted risk": "el riesgo pronosticado",
    "the signal's quality": "la calidad de la señal",
    "the value": "el valor",
    "the baseline": "la línea de base",
    "the distance from the baseline in standard errors": "la distancia a la línea de base en errores estándar",
    "the detector's confidence": "la confianza del detector",
    "the shortest predicted hours to failure": "las horas mínimas pronosticadas hasta el fallo",
    "the longest predicted hours to failure": "las horas máximas pronosticadas hasta el fallo",
    "anomalies seen so far": "anomalías vistas hasta ahora",
    "the signal is shifted now": "la señal está desviada ahora",
    "deviations in the present run": "desviaciones en la serie actual",
    "minutes since the last deviation": "los minutos desde la última desviación",
    "minutes since the shift began": "los minutos desde que empezó la desviación",
    "the largest distance in the present run": "la mayor distancia en la serie actual",
    "different error codes seen within the window": "códigos de error distintos vistos dentro de la ventana",
    "different detectors that saw it within the window": "detectores distintos que lo vieron dentro de la ventana",
    "different detectors and error codes within the window": (
        "detectores y códigos de error distintos dentro de la ventana"
    ),
    "the last known risk": "el último riesgo conocido",
    "the predicted risk has changed": "el riesgo pronosticado ha cambiado",
    "minutes the risk has been so": "los minutos que lleva así el riesgo",
    "minutes since work was last asked for": "los minutos desde que se pidió trabajo por última vez",
    "it is known what the machine does": "se sabe qué hace la máquina",
    "the operating state": "el estado de funcionamiento",
    "minutes for which the machine has run without a break": (
        "los minutos que la máquina lleva en marcha sin interrupción"
    ),
    "the operating mode": "el modo de funcionamiento",
    "the recipe": "la receta",
    "the speed": "la velocidad",
    "minutes since the machine was last read": "los minutos desde la última lectura de la máquina",
    "it is known which work was done on the asset": "se sabe qué trabajo se hizo en el activo",
    "hours since work was last done on the asset": "las horas desde el último trabajo en el activo",
    "hours since work was last done on the same fault": "las horas desde el último trabajo por el mismo fallo",
    "the breakdowns of the asset": "las averías del activo",
    "minutes since the CMMS was last asked for the work on the asset": (
        "los minutos desde la última consulta a la GMAO sobre el trabajo en el activo"
    ),
}
"""Sentences that the record keeps in English, such as those of the policy engine, and the parts of them."""
