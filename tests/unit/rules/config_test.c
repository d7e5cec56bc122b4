/* Configuration against the files of the image. */
#include "rule_support.h"

static void start(const char *program, const char *script)
{
	push(&w.config.cmd, program);
	if (script)
		push(&w.config.cmd, script);
}

static void health(const char *command)
{
	push(push(&w.config.healthcheck, "CMD-SHELL"), command);
}

static void python_image(void)
{
	image_file("/usr/bin/python3", 0755, "interpreter");
	image_file("/usr/bin/curl", 0755, "curl");
	image_file("/bin/bash", 0755, "bash");
	w.config.workdir = "/app";
}

static void what_starts_must_be_there(void **state)
{
	(void)state;
	python_image();
	image_file("/app/handler.py", 0644, "print(1)\n");
	start("python3", "handler.py");
	open_image();
	expect_clean();
	w.config.cmd.items[1] = "handlers.py";
	expect("config/entry-missing");
	w.config.cmd.items[0] = "gunicorn";
	assert_string_equal(expect("config/entry-missing")->subject, "gunicorn");
}

static void the_shell_form_is_read_too(void **state)
{
	(void)state;
	python_image();
	image_file("/bin/sh", 0755, "sh");
	push(push(push(&w.config.cmd, "/bin/sh"), "-c"), "cd /app && exec python3 $FILE");
	open_image();
	expect_clean();
	w.config.cmd.items[2] = "missing-program --x";
	expect("config/entry-missing");
}

static void a_script_needs_its_interpreter_and_mode(void **state)
{
	(void)state;
	python_image();
	image_file("/app/start.sh", 0755, "#!/usr/bin/env bash\nexec python3 x.py\n");
	image_file("/app/dos.sh", 0755, "#!/bin/bash\r\necho\r\n");
	image_file("/app/zsh.sh", 0644, "#!/bin/zsh\necho\n");
	start("/app/start.sh", NULL);
	open_image();
	expect_no("config/interpreter-missing");
	w.config.cmd.items[0] = "/app/dos.sh";
	expect("config/interpreter-missing");
	w.config.cmd.items[0] = "/app/zsh.sh";
	expect("config/interpreter-missing");
	expect("config/not-executable");
}

static void installing_at_start_is_a_warning(void **state)
{
	(void)state;
	python_image();
	image_file("/app/start.sh", 0755, "#!/bin/bash\n/app/inner.sh\n");
	image_file("/app/inner.sh", 0755, "#!/bin/bash\npip install flask\n");
	image_file("/app/words.sh", 0755, "#!/bin/bash\npip install pip3 install torch\n");
	image_file("/app/plain.sh", 0755, "#!/bin/bash\necho pip install\nexec python3\n");
	start("/app/start.sh", NULL);
	open_image();
	assert_non_null(strstr(expect("config/start-installs")->where, "inner.sh:2"));
	w.config.cmd.items[0] = "/app/words.sh";
	expect("config/command-as-package");
	w.config.cmd.items[0] = "/app/plain.sh";
	expect_clean();
}

static void a_verb_stands_once(void **state)
{
	(void)state;
	push(push(&w.config.entrypoint, "vllm"), "serve");
	push(push(&w.config.cmd, "serve"), "/models/x");
	expect("config/verb-twice");
	w.config.cmd.items[0] = "vllm";
	expect("config/verb-twice");
	w.config.cmd.items[0] = "/models/x";
	expect_clean();
}

static void an_entrypoint_that_changed_breaks_its_callers(void **state)
{
	struct facts before = {.config = NULL};
	struct image_config old = {0};

	(void)state;
	push(&old.entrypoint, "vllm");
	before.config = &old;
	w.input.before = &before;
	push(push(&w.config.entrypoint, "vllm"), "serve");
	expect("config/entrypoint-changed");
	push(&old.entrypoint, "serve");
	expect_clean();
}

static void a_health_check_must_be_able_to_pass(void **state)
{
	(void)state;
	python_image();
	image_file("/app/worker.py", 0644,
		   "import runpod\nrunpod.serverless.start({'handler': h})\n");
	image_file("/app/server.py", 0644, "import uvicorn\nuvicorn.run(app, port=8000)\n");
	start("python3", "worker.py");
	health("curl -f http://localhost:8000/health || exit 1");
	open_image();
	expect("config/healthcheck-port");
	w.config.cmd.items[1] = "server.py";
	expect_clean();
}

static void a_health_check_asks_the_port_that_is_named(void **state)
{
	(void)state;
	push(push(push(&w.config.cmd, "uvicorn"), "--port"), "9000");
	health("curl http://127.0.0.1:8000/");
	expect("config/healthcheck-port");
	w.config.cmd.items[2] = "8000";
	expect_clean();
}

static void a_health_check_needs_its_tool(void **state)
{
	(void)state;
	python_image();
	start("python3", NULL);
	health("wget -q http://localhost/ || exit 1");
	open_image();
	expect("config/healthcheck-tool");
	w.config.healthcheck.items[1] = "curl http://localhost/";
	expect_no("config/healthcheck-tool");
}

static void caches_must_agree(void **state)
{
	(void)state;
	env("HF_HOME=/models");
	env("TRANSFORMERS_CACHE=/models/hub");
	file("handler.py", "os.environ['HF_HOME'] = '/models'\nos.environ.get('HF_HOME', '/x')\n");
	expect_clean();
	w.config.env.items[1] = "TRANSFORMERS_CACHE=/cache";
	expect("config/cache-moved");
	w.config.env.items[1] = "A=1";
	w.files[0].text = "os.environ[\"HF_HOME\"] = \"/runpod-volume/hf\"\n";
	expect("config/cache-moved");
}

static void caches_must_stay_where_models_lie(void **state)
{
	struct image_config old = {0};
	struct facts before = {.config = &old};

	(void)state;
	push(&old.env, "HF_HOME=/workspace/hf");
	w.input.before = &before;
	env("HF_HOME=/runpod-volume/hf");
	expect("config/cache-moved");
	old.env.items[0] = "HF_HOME=/runpod-volume/hf";
	expect_clean();
}

static void a_relative_library_path_is_a_warning(void **state)
{
	(void)state;
	env("LD_LIBRARY_PATH=lib:/usr/lib:");
	expect("config/ld-library-path");
	w.config.env.items[0] = "LD_LIBRARY_PATH=/usr/lib:";
	expect_clean();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		rule_test(what_starts_must_be_there),
		rule_test(the_shell_form_is_read_too),
		rule_test(a_script_needs_its_interpreter_and_mode),
		rule_test(installing_at_start_is_a_warning),
		rule_test(a_verb_stands_once),
		rule_test(an_entrypoint_that_changed_breaks_its_callers),
		rule_test(a_health_check_must_be_able_to_pass),
		rule_test(a_health_check_asks_the_port_that_is_named),
		rule_test(a_health_check_needs_its_tool),
		rule_test(caches_must_agree),
		rule_test(caches_must_stay_where_models_lie),
		rule_test(a_relative_library_path_is_a_warning),
	};

	return cmocka_run_group_tests_name("rules/config", tests, NULL, NULL);
}
