// The calculator of docs/capacity.md. Figures: the table there. No request leaves the page.
const FIGURES = {
  secondsPerMail: 0.0004,
  secondsPerSignature: 0.0003,
  smallestMail: 12e3,
  bytesPerStory: 3e3,
  largestMail: 100e3,
  bytesPerDelivery: 150 * 0.95 + 180 * 0.05,
  bytesPerClick: 216,
  daysOfClicks: 90,
  daysOfDeliveries: 730,
  bytesPerSubscriber: 1e3,
  bytesPerPicture: 0.4e6,
  daysPerMonth: 30.4,
};
const FIELDS = [
  ["subscribers", "Subscribers", 100000, 1],
  ["issues", "Issues a day", 1, 0.1],
  ["stories", "Stories in an issue", 7, 1],
  ["minutes", "Minutes in which an issue should go out", 30, 1],
  ["rate", "Mails a second that your mail server takes", 200, 1],
  ["clicks", "Clicks per 100 mails", 10, 1],
  ["signs", "Digest signs its mails (DKIM)", false],
  ["cores", "Cores of a machine", 2, 1],
  ["machinePrice", "Price of such a machine a month", 20, 1],
  ["mailPrice", "Price of 1,000 mails at your provider", 0.1, 0.01],
];

/** Return what an installation needs; all numbers of `plan` are those of FIELDS, by name. */
function calculate(plan) {
  const secondsPerMail = FIGURES.secondsPerMail + plan.signs * FIGURES.secondsPerSignature;
  const wanted = plan.subscribers / (plan.minutes * 60);
  const perSecond = Math.min(wanted, plan.rate);
  // A machine keeps a third of its cores for pages, feeds and PostgreSQL's other work.
  const machines = Math.max(1, Math.ceil((perSecond * secondsPerMail) / (plan.cores * 0.67)));
  const mailsPerDay = plan.subscribers * plan.issues;
  const mailBytes = Math.min(
    FIGURES.smallestMail + Math.max(0, plan.stories - 1) * FIGURES.bytesPerStory,
    FIGURES.largestMail,
  );
  const database = 2 * (
    plan.subscribers * FIGURES.bytesPerSubscriber
    + mailsPerDay * FIGURES.daysOfDeliveries * FIGURES.bytesPerDelivery
    + mailsPerDay * (plan.clicks / 100) * FIGURES.daysOfClicks * FIGURES.bytesPerClick
  );
  const mailsPerMonth = mailsPerDay * FIGURES.daysPerMonth;
  return {
    perSecond,
    minutes: plan.subscribers / perSecond / 60,
    relayIsTheLimit: plan.rate < wanted,
    machines,
    databaseBytes: database,
    pictureBytesPerYear: plan.issues * plan.stories * 365 * FIGURES.bytesPerPicture,
    mailBytes,
    trafficPerMonth: mailsPerMonth * mailBytes,
    mailsPerMonth,
    mailCost: (mailsPerMonth / 1000) * plan.mailPrice,
    machineCost: machines * plan.machinePrice,
  };
}

const number = (value, digits = 0) =>
  value.toLocaleString("en", { maximumFractionDigits: digits, minimumFractionDigits: digits });
const gigabytes = (bytes) => `${number(bytes / 1e9, bytes < 10e9 ? 1 : 0)} GB`;

function rows(need) {
  const minutes = need.minutes < 1 ? "under a minute" : `${number(need.minutes)} minutes`;
  return [
    ["An issue goes out in", minutes + (need.relayIsTheLimit ? ": your mail server is the limit" : "")],
    ["Mails a second", number(need.perSecond)],
    ["Machines for web and workers", number(need.machines)],
    ["Disk for PostgreSQL after two years", gigabytes(need.databaseBytes)],
    ["Pictures, each year", gigabytes(need.pictureBytesPerYear)],
    ["Size of a mail", `${number(need.mailBytes / 1000)} KB`],
    ["Mails a month", number(need.mailsPerMonth)],
    ["Traffic of mails a month", gigabytes(need.trafficPerMonth)],
    ["Provider a month", number(need.mailCost, 2)],
    ["Machines a month", number(need.machineCost, 2)],
    ["Together a month", number(need.mailCost + need.machineCost, 2)],
  ];
}

const read = (input) => (input.type === "checkbox" ? Number(input.checked) : input.valueAsNumber);

function show(place) {
  const form = document.createElement("form");
  const table = document.createElement("table");
  table.className = "results";
  table.setAttribute("aria-live", "polite");
  for (const [name, label, value, step] of FIELDS) {
    const line = document.createElement("label");
    const input = Object.assign(document.createElement("input"), step === undefined
      ? { type: "checkbox", name, checked: value }
      : { type: "number", required: true, name, value, step, min: name === "clicks" ? 0 : step });
    line.append(label, input);
    form.append(line);
  }
  const update = () => {
    const plan = Object.fromEntries(FIELDS.map(([name]) => [name, read(form.elements[name])]));
    table.replaceChildren();
    if (!form.checkValidity()) {
      table.insertRow().insertCell().textContent = "Enter a number into each field.";
      return;
    }
    for (const [label, value] of rows(calculate(plan))) {
      const row = table.insertRow();
      row.append(Object.assign(document.createElement("th"), { scope: "row", textContent: label }));
      row.insertCell().textContent = value;
    }
  };
  form.addEventListener("input", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  place.append(form, table);
  update();
}

const place = document.getElementById("calculator");
if (place) show(place);
