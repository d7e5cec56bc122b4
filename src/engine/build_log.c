/*
 * The classic builder's output as steps. Docker writes "Step 2/6 : RUN …" and counts every
 * instruction; podman writes "[1/2] STEP 2/3: RUN …" and counts by stage.
 *
 * A command may print such a line too, so a step is taken only when its number is the next one
 * and the Dockerfile's instruction has the same name.
 */
#include "base/clock.h"
#include "engine/build_private.h"

#include <string.h>
#include <strings.h>

struct step_line {
	unsigned stage; /* from 1, 0: not said */
	unsigned number, total;
	bool upper; /* "STEP": podman */
	const char *text;
};

void build__log_init(struct build__log *log, const struct build_request *request, bool podman,
		     struct arena *arena)
{
	const char *text = request->dockerfile_text;

	*log = (struct build__log){.request = request, .arena = arena, .podman = podman};
	buf_init(&log->line, BUILD_LINE_MAX);
	buf_init(&log->tail, 2 * BUILD_TAIL_MAX);
	if (text && strlen(text) <= DOCKERFILE_BYTES_MAX)
		dockerfile_parse(text, strlen(text), &request->args, arena, &log->file);
}

void build__log_done(struct build__log *log)
{
	buf_done(&log->line);
	buf_done(&log->tail);
}

void build__log_out(const struct build__log *log, const char *text, size_t len)
{
	if (log->request->log && len)
		log->request->log(log->request->payload, text, len);
}

void build__tail_add(struct buf *tail, const char *text, size_t len)
{
	if (len > BUILD_TAIL_MAX) {
		text += len - BUILD_TAIL_MAX;
		len = BUILD_TAIL_MAX;
	}
	if (tail->len + len > tail->max)
		buf_consume(tail, tail->len + len - BUILD_TAIL_MAX);
	buf_add(tail, text, len);
}

struct step *build__log_push(struct build__log *log)
{
	if (log->count >= BUILD_STEPS_MAX)
		return NULL;
	return arena_push(log->arena, &log->steps, &log->count, sizeof(*log->steps));
}

static void tell(const struct build__log *log, const struct step *step)
{
	if (log->request->progress)
		log->request->progress(log->request->payload, step);
}

void build__log_end(struct build__log *log, bool failed)
{
	struct step *step;

	if (!log->open)
		return;
	log->open = false;
	step = &log->steps[log->count - 1];
	step->duration_ns = clock_ns() - log->began_ns;
	if (step->duration_ns == 0)
		step->duration_ns = 1; /* 0 means "began" to `progress` */
	step->failed = failed;
	tell(log, step);
}

/* A decimal of at most six digits; NULL when there is none. */
static const char *digits(const char *text, unsigned *out)
{
	size_t len = strspn(text, "0123456789");

	if (len == 0 || len > 6)
		return NULL;
	*out = 0;
	for (size_t i = 0; i < len; i++)
		*out = *out * 10 + (unsigned)(text[i] - '0');
	return text + len;
}

/* "2/6" */
static const char *fraction(const char *text, unsigned *above, unsigned *below)
{
	text = digits(text, above);
	if (!text || *text != '/')
		return NULL;
	return digits(text + 1, below);
}

static bool read_step(const char *line, struct step_line *out)
{
	struct step_line step = {0};
	unsigned stages;

	if (*line == '[') {
		line = fraction(line + 1, &step.stage, &stages);
		if (!line || strncmp(line, "] ", 2) != 0)
			return false;
		line += 2;
	}
	if (strncmp(line, "Step ", 5) != 0 && strncmp(line, "STEP ", 5) != 0)
		return false;
	step.upper = line[1] == 'T';
	line = fraction(line + 5, &step.number, &step.total);
	if (!line)
		return false;
	line += *line == ' ';
	if (strncmp(line, ": ", 2) != 0)
		return false;
	step.text = line + 2;
	*out = step;
	return true;
}

/* podman counts inside a stage. */
static const struct instruction *stage_step(const struct dockerfile *file, int stage,
					    unsigned number)
{
	for (size_t i = 0; i < file->count; i++)
		if (file->instructions[i].stage == stage && --number == 0)
			return &file->instructions[i];
	return NULL;
}

static const struct instruction *find(const struct build__log *log, const struct step_line *step)
{
	if (!log->podman)
		return dockerfile_step(&log->file, step->number);
	return stage_step(&log->file, step->stage ? (int)step->stage - 1 : 0, step->number);
}

static bool same_name(const struct instruction *instruction, const char *text)
{
	size_t len = strlen(instruction->name);

	return strncasecmp(text, instruction->name, len) == 0 && (text[len] == ' ' || !text[len]);
}

/* Is it really the builder that speaks? */
static bool follows(const struct build__log *log, const struct step_line *step,
		    const struct instruction *instruction)
{
	const struct step *last = log->count ? &log->steps[log->count - 1] : NULL;

	if (instruction && !same_name(instruction, step->text))
		return false;
	if (step->upper != log->podman)
		return false;
	if (step->number == 1)
		return !last || (log->podman && step->stage > log->stage);
	return last && step->number == last->number + 1 && step->total == last->total &&
	       step->stage == log->stage;
}

static bool begin(struct build__log *log, const struct step_line *found)
{
	const struct instruction *instruction = find(log, found);
	struct step *step;

	if (!follows(log, found, instruction))
		return false;
	build__log_end(log, false);
	step = build__log_push(log);
	if (!step)
		return false;
	step->number = found->number;
	step->total = found->total;
	step->stage = found->stage ? arena_printf(log->arena, "%u", found->stage) : NULL;
	step->instruction = arena_strdup(log->arena, found->text);
	step->line = instruction ? instruction->line : 0;
	log->open = true;
	log->stage = found->stage;
	log->began_ns = clock_ns();
	buf_consume(&log->tail, log->tail.len);
	tell(log, step);
	return true;
}

static void note_id(struct build__log *log, const char *line, size_t len)
{
	if (len == 64 && strspn(line, "0123456789abcdef") == 64)
		memcpy(log->last_id, line, len + 1);
}

/* " ---> 0123456789ab" (podman: "--> …") ends a step and names the image so far. */
static void note_layer(struct build__log *log, const char *line)
{
	size_t len;

	line += *line == ' ';
	line += strspn(line, "-");
	if (strncmp(line, "> ", 2) != 0)
		return;
	len = strspn(line + 2, "0123456789abcdef");
	if (len >= 11 && len <= 64 && !line[2 + len])
		memcpy(log->layer_id, line + 2, len + 1);
}

/* The builder's own remarks: not the command's output. */
static bool is_remark(struct build__log *log, const char *line, size_t len)
{
	static const char *const starts[] = {" ---> ", "--> ", "Removing intermediate container ",
					     "Successfully tagged ", "COMMIT "};

	if (strncmp(line, " ---> Using cache", 17) == 0 ||
	    strncmp(line, "--> Using cache", 15) == 0) {
		if (log->count)
			log->steps[log->count - 1].cached = true;
		return true;
	}
	note_id(log, line, len);
	note_layer(log, line);
	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++)
		if (strncmp(line, starts[i], strlen(starts[i])) == 0)
			return true;
	return false;
}

static void end_line(struct build__log *log)
{
	const char *line = buf_str(&log->line);
	struct step_line step;

	if (!(read_step(line, &step) && begin(log, &step)) &&
	    !is_remark(log, line, log->line.len)) {
		build__tail_add(&log->tail, line, log->line.len);
		build__tail_add(&log->tail, "\n", 1);
	}
	buf_consume(&log->line, log->line.len);
	log->line.truncated = false;
}

void build__log_text(struct build__log *log, const char *text)
{
	build__log_out(log, text, strlen(text));
	while (*text) {
		size_t len = strcspn(text, "\n");
		bool whole = text[len] == '\n';

		/* A line that does not fit (a progress bar) goes on in the next. */
		if (log->line.len + len > BUILD_LINE_MAX) {
			end_line(log);
			if (len > BUILD_LINE_MAX)
				build__tail_add(&log->tail, text, len);
		}
		if (len <= BUILD_LINE_MAX)
			buf_add(&log->line, text, len);
		if (whole)
			end_line(log);
		text += len + whole;
	}
}

void build__log_flush(struct build__log *log)
{
	if (log->line.len)
		end_line(log);
}

const char *build__log_where(const struct build__log *log)
{
	const struct step *step = log->count ? &log->steps[log->count - 1] : NULL;

	if (!step)
		return "the start of the build";
	if (!step->line)
		return arena_printf(log->arena, "step %u/%u (%.120s)", step->number, step->total,
				    step->instruction);
	return arena_printf(log->arena, "step %u/%u (line %u: %.120s)", step->number, step->total,
			    step->line, step->instruction);
}
