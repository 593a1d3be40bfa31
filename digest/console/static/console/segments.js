"use strict";
// The rule builder of a segment: Alpine holds the document of rules, the server checks and counts.
document.addEventListener("alpine:init", () => {
  let lastId = 0;
  const read = id => JSON.parse(document.getElementById(id).textContent);
  const numbered = row => {
    row.id = ++lastId;
    if (row.rules) row.rules.forEach(numbered);
    return row;
  };
  const bare = row => row.rules
    ? { match: row.match, rules: row.rules.map(bare) }
    : { field: row.field, operator: row.operator, value: row.value ?? null };

  Alpine.data("ruleBuilder", () => ({
    fields: read("segment-fields"),
    document: numbered(read("segment-rules")),
    timer: null,
    init() {
      this.document.match ||= "all";
      this.$nextTick(() => this.send());
    },
    text() { return JSON.stringify(bare(this.document)); },
    fieldOf(rule) { return this.fields.find(field => field.key === rule.field); },
    operatorsOf(rule) { return this.fieldOf(rule)?.operators ?? []; },
    choicesOf(rule) { return this.fieldOf(rule)?.choices ?? []; },
    inputOf(rule) {
      return this.operatorsOf(rule).find(operator => operator.key === rule.operator)?.input ?? "text";
    },
    // Not "valueOf": every object has one, also the scopes that Alpine looks through.
    textOf(rule) {
      if (typeof rule.value === "boolean") return rule.value ? "yes" : "no";
      return rule.value === null || rule.value === undefined ? "" : String(rule.value);
    },
    // The options of a select come, and go, after what they follow from has changed.
    show(select, value) {
      if (select.wanted === undefined) {
        const options = { subtree: true, childList: true, attributeFilter: ["value"] };
        new MutationObserver(() => { select.value = select.wanted; }).observe(select, options);
      }
      select.wanted = value;
      select.value = value;
    },
    chooseField(rule, key) {
      rule.field = key;
      rule.operator = this.operatorsOf(rule)[0].key;
      this.reset(rule);
    },
    chooseOperator(rule, key) {
      const before = this.inputOf(rule);
      rule.operator = key;
      if (this.inputOf(rule) === before) this.changed();
      else this.reset(rule);
    },
    setValue(rule, value) {
      rule.value = value;
      this.changed();
    },
    reset(rule) {
      const input = this.inputOf(rule);
      rule.value = input === "choice" ? this.choicesOf(rule)[0]?.value ?? "" : input === "days" ? "30" : "";
      this.changed();
    },
    newRule() {
      const rule = numbered({ field: this.fields[0].key, operator: this.fields[0].operators[0].key });
      rule.value = this.inputOf(rule) === "choice" ? this.choicesOf(rule)[0]?.value ?? "" : "";
      return rule;
    },
    addRule(rules, button) {
      rules.push(this.newRule());
      this.changed();
      this.focusLast(button);
    },
    addGroup(button) {
      this.document.rules.push(numbered({ match: "any", rules: [this.newRule()] }));
      this.changed();
      this.focusLast(button);
    },
    remove(rules, index, button) {
      const form = button.closest("form");
      rules.splice(index, 1);
      this.changed();
      this.$nextTick(() => form.querySelector("[x-on\\:click^=addRule]")?.focus());
    },
    // Whoever adds a rule by keyboard goes on in it.
    focusLast(button) {
      this.$nextTick(() => {
        const rows = button.closest(".stack").querySelectorAll(".rule");
        rows[rows.length - 1]?.querySelector("select").focus();
      });
    },
    changed() {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.send(), 400);
    },
    send() {
      this.$refs.rules.value = this.text();
      htmx.trigger(this.$refs.sender, "rules-changed");
    },
  }));
});
