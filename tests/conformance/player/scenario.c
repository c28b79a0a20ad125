#include "scenario.h"

#include "base/ascii.h"
#include "base/mem.h"
#include "base/scan.h"

/* -- words ----------------------------------------------------------------------------------------------- */

static void skip_blanks(struct scan *in)
{
	while (scan_char(in, ' ') || scan_char(in, '\t'))
		;
}

/* The next word, up to a blank or comma; empty at the end. */
static struct slice take_word(struct scan *in)
{
	const char *from;

	skip_blanks(in);
	from = in->at;
	while (!scan_done(in) && scan_peek(in) != ' ' && scan_peek(in) != ',')
		in->at++;
	return scan_since(in, from);
}

static bool take_this(struct scan *in, struct slice word)
{
	struct scan at = *in;

	if (!slice_eq(take_word(&at), word))
		return false;
	*in = at;
	return true;
}

static bool is_status(struct slice word)
{
	return word.len == 3 && ascii_is_digit(word.ptr[0]) && ascii_is_digit(word.ptr[1]) &&
	       ascii_is_digit(word.ptr[2]);
}

/* -- messages -------------------------------------------------------------------------------------------- */

/* Where the value of an inline clause ends: at another clause, or at a comma before another status. */
static bool is_value_end(struct scan in)
{
	if (scan_done(&in))
		return true;
	if (scan_char(&in, ','))
		return is_status(take_word(&in));
	return scan_text(&in, SLICE(" with ")) || scan_text(&in, SLICE(" without "));
}

static bool parse_with(struct scan *in, struct clause *clause)
{
	const char *from;

	skip_blanks(in);
	if (!scan_until(in, ':', &clause->name) || !scan_char(in, ':'))
		return false;
	skip_blanks(in);
	from = in->at;
	while (!is_value_end(*in))
		in->at++;
	clause->value = slice_trim(scan_since(in, from));
	return true;
}

static bool parse_clause(struct scan *in, struct pattern *pattern)
{
	struct clause clause = { 0 };

	if (take_this(in, SLICE("without")))
		clause.absent = true;
	else if (!take_this(in, SLICE("with")))
		return false;
	if (clause.absent)
		clause.name = take_word(in);
	else if (!parse_with(in, &clause))
		return false;
	if (clause.absent && slice_eq(clause.name, SLICE("credentials"))) {
		pattern->no_credentials = true;
		return true;
	}
	if (pattern->n_clauses == CLAUSES_MAX)
		return false;
	pattern->clauses[pattern->n_clauses++] = clause;
	return true;
}

static bool is_clause_next(struct scan in)
{
	struct slice word = take_word(&in);

	return slice_eq(word, SLICE("with")) || slice_eq(word, SLICE("without"));
}

/* STATUS [METHOD] *clause, or METHOD [URI] *clause. */
static bool parse_pattern(struct scan *in, struct pattern *pattern)
{
	struct slice word = take_word(in);

	if (word.len == 0)
		return false;
	if (is_status(word)) {
		pattern->status = (unsigned)(word.ptr[0] - '0') * 100 + (unsigned)(word.ptr[1] - '0') * 10 +
				  (unsigned)(word.ptr[2] - '0');
		if (!is_clause_next(*in))
			pattern->method = take_word(in);
	} else {
		pattern->method = word;
		pattern->closed = slice_eq(word, SLICE("closed"));
		if (!is_clause_next(*in))
			pattern->uri = take_word(in);
	}
	skip_blanks(in);
	while (!scan_done(in) && scan_peek(in) != ',') {
		if (!parse_clause(in, pattern))
			return false;
		skip_blanks(in);
	}
	return true;
}

static bool parse_messages(struct scan *in, struct step *step)
{
	do {
		if (step->n_messages == MESSAGES_MAX || !parse_pattern(in, &step->messages[step->n_messages]))
			return false;
		step->n_messages++;
		skip_blanks(in);
	} while (scan_char(in, ','));
	return scan_done(in);
}

/* A line below a message: "Name: value" or "without Name". */
static bool parse_indented(struct scan in, struct pattern *pattern)
{
	if (is_clause_next(in))
		return parse_clause(&in, pattern) && scan_done(&in);
	if (pattern->n_clauses == CLAUSES_MAX)
		return false;
	return parse_with(&in, &pattern->clauses[pattern->n_clauses++]);
}

/* -- the other steps ------------------------------------------------------------------------------------- */

/* 300ms, 32s, 3m, 1h */
static bool parse_time(struct slice word, ms_t *ret_time)
{
	static const struct {
		struct slice unit;
		ms_t length;
	} units[] = {
		{ SLICE_INIT("ms"), 1 },
		{ SLICE_INIT("s"), 1000 },
		{ SLICE_INIT("m"), 60000 },
		{ SLICE_INIT("h"), 3600000 },
	};
	struct scan in = scan_of(word);
	uint64_t number;

	if (!scan_number(&in, 1000000, &number))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (slice_eq(scan_rest(&in), units[i].unit)) {
			*ret_time = number * units[i].length;
			return true;
		}
	return false;
}

static bool parse_connect(struct scan *in, struct step *step)
{
	uint64_t number = 1;

	if (take_this(in, SLICE("over")))
		step->transport = take_word(in);
	if (take_this(in, SLICE("to"))) {
		if (!take_this(in, SLICE("worker")))
			return false;
		skip_blanks(in);
		if (!scan_number(in, 8, &number) || number == 0)
			return false;
	}
	step->worker = (unsigned)number - 1;
	return scan_done(in);
}

static bool parse_serve(struct scan *in, struct step *step)
{
	step->domain = step->proves = take_word(in);
	if (step->kind == STEP_SERVE && take_this(in, SLICE("at")))
		step->at = take_word(in);
	if (step->kind == STEP_SERVE && take_this(in, SLICE("but"))) {
		if (!take_this(in, SLICE("proves")))
			return false;
		step->proves = take_word(in);
	}
	return step->domain.len > 0 && step->proves.len > 0 && scan_done(in);
}

static bool parse_refuse(struct scan *in, struct step *step)
{
	if (take_this(in, SLICE("over")))
		step->transport = take_word(in);
	return scan_done(in);
}

static const struct {
	struct slice verb;
	enum step_kind kind;
} verbs[] = {
	{ SLICE_INIT("->"), STEP_SEND },
	{ SLICE_INIT("<-"), STEP_EXPECT },
	{ SLICE_INIT("registers"), STEP_REGISTER },
	{ SLICE_INIT("connects"), STEP_CONNECT },
	{ SLICE_INIT("repeats"), STEP_REPEAT },
	{ SLICE_INIT("sends"), STEP_RAW },
	{ SLICE_INIT("lost"), STEP_LOSE },
	{ SLICE_INIT("restarts"), STEP_RESTART },
	{ SLICE_INIT("wants-staples"), STEP_STAPLES },
	{ SLICE_INIT("serves"), STEP_SERVE },
	{ SLICE_INIT("proves"), STEP_PROVE },
	{ SLICE_INIT("refuses"), STEP_REFUSE },
};

static bool parse_verb(struct slice verb, enum step_kind *ret_kind)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (slice_eq(verb, verbs[i].verb)) {
			*ret_kind = verbs[i].kind;
			return true;
		}
	return false;
}

static bool parse_step(struct slice line, struct step *step)
{
	struct scan in = scan_of(line);

	step->name = take_word(&in);
	if (slice_eq(step->name, SLICE("nothing"))) {
		step->kind = STEP_NOTHING;
		return scan_done(&in);
	}
	if (slice_eq(step->name, SLICE("pass"))) {
		step->kind = STEP_PASS;
		return parse_time(take_word(&in), &step->time) && scan_done(&in);
	}
	if (slice_eq(step->name, SLICE("policy"))) {
		step->kind = STEP_POLICY;
		step->name = take_word(&in);
		step->raw = slice_trim(scan_rest(&in));
		return step->raw.len > 0;
	}
	if (!parse_verb(take_word(&in), &step->kind))
		return false;
	switch (step->kind) {
	case STEP_SEND:
	case STEP_EXPECT: return parse_messages(&in, step);
	case STEP_CONNECT: return parse_connect(&in, step);
	case STEP_SERVE:
	case STEP_PROVE: return parse_serve(&in, step);
	case STEP_REFUSE: return parse_refuse(&in, step);
	case STEP_REGISTER: step->uri = take_word(&in); return scan_done(&in);
	case STEP_STAPLES:
	case STEP_RESTART: return slice_eq(step->name, SLICE("server")) && scan_done(&in);
	default: return scan_done(&in);
	}
}

/* -- the file -------------------------------------------------------------------------------------------- */

static struct step *add_step(struct scenario *scenario, unsigned line)
{
	struct step *steps = mem_resize(scenario->steps, (scenario->n_steps + 1) * sizeof(*scenario->steps));

	if (!steps)
		return NULL;
	scenario->steps = steps;
	steps[scenario->n_steps] = (struct step){ .line = line };
	return &steps[scenario->n_steps++];
}

/* What stands below a step belongs to its last message, or is to be sent as it is. */
static bool add_indented(struct scenario *scenario, struct slice line)
{
	struct step *step;

	if (scenario->n_steps == 0)
		return false;
	step = &scenario->steps[scenario->n_steps - 1];
	if (step->kind == STEP_RAW) {
		if (!step->raw.ptr)
			step->raw.ptr = line.ptr;
		step->raw.len = (size_t)(line.ptr + line.len - step->raw.ptr);
		return true;
	}
	return step->n_messages > 0 &&
	       parse_indented(scan_of(slice_trim(line)), &step->messages[step->n_messages - 1]);
}

static bool add_line(struct scenario *scenario, unsigned number, struct slice line)
{
	struct step *step;

	if (line.len > 0 && (line.ptr[0] == ' ' || line.ptr[0] == '\t'))
		return add_indented(scenario, line);
	line = slice_trim(line);
	if (line.len > 0 && line.ptr[0] == '#') {
		if (!scenario->title.ptr)
			scenario->title = slice_trim(slice_sub(line, 1, line.len));
		return true;
	}
	if (line.len == 0)
		return true;
	step = add_step(scenario, number);
	if (!step || !parse_step(line, step))
		return false;
	if (step->worker >= scenario->n_workers)
		scenario->n_workers = step->worker + 1;
	return true;
}

bool scenario_parse(struct slice text, struct scenario *ret_scenario, unsigned *ret_line)
{
	struct scenario scenario = { .n_workers = 1 };
	struct scan in = scan_of(text);
	struct slice line;

	for (*ret_line = 1; scan_line(&in, &line); ++*ret_line)
		if (!add_line(&scenario, *ret_line, line)) {
			scenario_fini(&scenario);
			return false;
		}
	if (!scan_done(&in) || !scenario.title.ptr) {
		scenario_fini(&scenario);
		return false;
	}
	*ret_scenario = scenario;
	return true;
}

void scenario_fini(struct scenario *scenario)
{
	mem_free(scenario->steps);
	scenario->steps = NULL;
}
