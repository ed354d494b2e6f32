// nvidia-smi stand-in for pods that have no GPU. It prints what the real program prints, for the invocations in HELP.
//
// The machine is described by /run/podlab/gpu.json (see `podlab` for who writes it). Which memory is in use is not in
// that file: it is derived from the processes that run right now, see compute_apps(). The layouts follow outputs of
// real machines. It is C, as the real one is, because what a program costs to start is measured in benches/fleet.rs.
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STATE "/run/podlab"
#define NA "[N/A]"
#define MAX_GPUS 64
#define MAX_APPS 4096

static const char HELP[] =
    "nvidia-smi stand-in for pods that have no GPU.\n\n"
    "Prints what the real program prints, for the invocations that tools use:\n\n"
    "    nvidia-smi                               summary table (535, 550, 570 and 580+ layouts)\n"
    "    nvidia-smi -L                            list, MIG devices included\n"
    "    nvidia-smi --query-gpu=F,... --format=csv[,noheader][,nounits] [-i ID,...]\n"
    "    nvidia-smi --query-compute-apps=F,... --format=csv[,noheader][,nounits]\n"
    "    nvidia-smi -q -x                         XML (a subset of the real elements)\n"
    "    nvidia-smi topo -m\n"
    "    nvidia-smi --version\n\n"
    "The machine is described by /run/podlab/gpu.json (see `podlab` for who writes it). Which memory is in\n"
    "use is not in that file: it is derived from the processes that run right now, see compute_apps(). The\n"
    "layouts follow outputs of real machines.\n";

// Ends the program as the real one would: some text on stdout and an exit status.
static _Noreturn __attribute__((format(printf, 2, 3))) void leave(int status, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    exit(status);
}

static char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));
static char *text(const char *format, ...) { // never freed: the program lives for milliseconds
    char *made = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&made, format, args) < 0) abort();
    va_end(args);
    return made;
}

static char *slurp(const char *path, size_t *length) { // a whole file; empty if it cannot be read
    size_t have = 0, room = 4096;
    char *bytes = malloc(room + 1);
    FILE *file = fopen(path, "r");
    while (file) {
        size_t got = fread(bytes + have, 1, room - have, file);
        have += got;
        if (!got) break;
        if (have == room) bytes = realloc(bytes, (room *= 2) + 1);
    }
    if (file) fclose(file);
    bytes[have] = 0;
    if (length) *length = have;
    return bytes;
}

// --- JSON, as far as gpu.json needs it -----------------------------------------------------------

struct json {
    char kind; // `{` `[` `"`, else the first character of a number, true, false or null
    char *key, *text;
    struct json *child, *next;
};

static char *json_string(char **at) {
    char *from = ++*at, *to = from;
    for (; **at && **at != '"'; ++*at) {
        if (**at == '\\') ++*at;
        *to++ = **at;
    }
    ++*at;
    *to = 0;
    return from;
}

static struct json *json_value(char **at) {
    struct json *value = calloc(1, sizeof *value), **last = &value->child;
    *at += strspn(*at, " \t\r\n");
    value->kind = **at;
    if (value->kind == '"') {
        value->text = json_string(at);
    } else if (value->kind == '{' || value->kind == '[') {
        for (++*at; *(*at += strspn(*at, " \t\r\n,")) && !strchr("]}", **at); last = &(*last)->next) {
            char *key = value->kind == '{' ? json_string(at) : NULL;
            if (key) *at += strspn(*at, " :");
            *last = json_value(at);
            (*last)->key = key;
        }
        ++*at;
    } else {
        size_t length = strcspn(*at, ", \t\r\n]}");
        if (!length) leave(1, "%s/gpu.json cannot be read\n", STATE);
        value->text = strndup(*at, length);
        *at += length;
    }
    return value;
}

static struct json *member(const struct json *of, const char *key) {
    struct json *found = of->child;
    while (found && strcmp(found->key, key)) found = found->next;
    return found && found->kind != 'n' ? found : NULL; // null is as good as none
}

static const char *word(const struct json *of, const char *key) {
    struct json *found = member(of, key);
    return found ? found->text : NULL;
}

static double real(const struct json *of, const char *key) {
    return word(of, key) ? atof(word(of, key)) : 0;
}

static long number(const struct json *of, const char *key) { return (long)real(of, key); }

static bool truth(const struct json *of, const char *key) {
    struct json *found = member(of, key);
    return found && found->kind == 't';
}

static bool same(const char *one, const char *other) { return one && !strcmp(one, other); }

// --- which processes use which GPU ---------------------------------------------------------------

struct process {
    long pid, parent;
    int argc;
    char **argv;
    const char *kind; // of model server, or none
    bool claims, inner;
};

struct app {
    long pid;
    const char *name;
    long gpu, mib, util;
};

struct gpu {
    const struct json *facts;
    long index, used, free, util;
    int temp;
    double watts;
    const char *pstate;
};

static const struct json *machine;
static struct gpu gpus[MAX_GPUS];
static struct app apps[MAX_APPS];
static struct process *running;
static int gpu_count, app_count, shown_apps, running_count;

static bool one_of(const char *word, const char *const *list) {
    while (*list && strcmp(word, *list)) list++;
    return *list;
}

static bool has(char **argv, int argc, const char *word) {
    for (int i = 0; i < argc; i++)
        if (!strcmp(argv[i], word)) return true;
    return false;
}

static const char *last_part(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool interprets(const char *program) {
    static const char *const SHELLS[] = {"bash", "sh", "dash", "node", NULL};
    return one_of(program, SHELLS) ||
           (!strncmp(program, "python", 6) && strspn(program + 6, "0123456789.") == strlen(program + 6));
}

// "vllm", "sglang", "llama-server", ... when this command line is a model server, else none.
static const char *server_kind(char **argv, int argc) {
    static const char *const SERVERS[] = {"vllm", "sglang", "llama-server", "ollama", "tritonserver",
                                          "text-generation-launcher", NULL};
    if (!argc || !*argv[0]) return NULL;
    if (!strncmp(argv[0], "VLLM::", 6)) return "vllm"; // names the real workers give themselves
    if (!strncmp(argv[0], "sglang::", 8)) return "sglang";
    const char *program = last_part(argv[0]);
    argv++, argc--;
    if (interprets(program)) { // python -m vllm.x ..., bash /bin/vllm ...
        if (argc > 1 && !strcmp(argv[0], "-m")) {
            size_t length = strcspn(argv[1], ".");
            if (length == 4 && !strncmp(argv[1], "vllm", 4)) return "vllm";
            if (length == 6 && !strncmp(argv[1], "sglang", 6)) return "sglang";
        }
        while (argc && argv[0][0] == '-' && isalpha((unsigned char)argv[0][1]) && !argv[0][2]) argv++, argc--;
        program = argc ? last_part(argv[0]) : "";
        argv++, argc--;
    }
    if (!one_of(program, SERVERS)) return NULL;
    if (!strcmp(program, "vllm") && !has(argv, argc, "serve")) return NULL; // vllm --version, bench: no GPU held
    if (!strcmp(program, "ollama") && !has(argv, argc, "runner")) return NULL;
    return program;
}

// Value of --name VALUE or --name=VALUE in a command line.
static const char *flag(const struct process *of, const char *const *names) {
    for (int i = 0; i < of->argc; i++)
        for (const char *const *name = names; *name; name++) {
            size_t length = strlen(*name);
            if (!strcmp(of->argv[i], *name) && i + 1 < of->argc) return of->argv[i + 1];
            if (!strncmp(of->argv[i], *name, length) && of->argv[i][length] == '=') return of->argv[i] + length + 1;
        }
    return NULL;
}

static bool digits(const char *word) { return *word && strspn(word, "0123456789") == strlen(word); }

static const char *variable(long pid, const char *name) {
    size_t all, length = strlen(name);
    const char *found = NULL, *bytes = slurp(text("/proc/%ld/environ", pid), &all);
    for (const char *at = bytes; at < bytes + all; at += strlen(at) + 1)
        if (!strncmp(at, name, length) && at[length] == '=') found = at + length + 1;
    return found;
}

// The GPUs that CUDA_VISIBLE_DEVICES lets a process see, in its order.
static int visible_gpus(long pid, int *chosen) {
    const char *listed = variable(pid, "CUDA_VISIBLE_DEVICES");
    int count = 0;
    for (; !listed && count < gpu_count; count++) chosen[count] = count;
    char *rest = listed ? strdup(listed) : NULL, *item;
    while ((item = strsep(&rest, ",")) && count < MAX_GPUS) {
        item += strspn(item, " \t\r\n");
        for (char *end = item + strlen(item); end > item && isspace((unsigned char)end[-1]);) *--end = 0;
        int index = digits(item) ? atoi(item) : -1;
        for (int i = 0; *item && !digits(item) && index < 0 && i < gpu_count; i++)
            if (!strncmp(word(gpus[i].facts, "uuid"), item, strlen(item))) index = i;
        if (index < 0 || index >= gpu_count) break; // CUDA ignores all from the first bad one
        chosen[count++] = index;
    }
    return count;
}

static void hold(const struct process *who, long gpu, long mib, long util) {
    if (gpu < 0 || gpu >= gpu_count || app_count == MAX_APPS) return;
    apps[app_count++] = (struct app){who->pid, who->argv[0], gpu, mib, util};
}

static long width_of(const struct process *owner) {
    const char *tp = flag(owner, (const char *const[]){"--tensor-parallel-size", "-tp", "--tp-size", "--tp", NULL});
    const char *pp = flag(owner, (const char *const[]){"--pipeline-parallel-size", "-pp", "--pp-size", NULL});
    if (!tp) tp = "1";
    if (!pp) pp = "1";
    long width = digits(tp) && digits(pp) ? atol(tp) * atol(pp) : 1;
    return width < 1 ? 1 : width;
}

// What a model server would hold, from its command line. A worker has its server's flags, and one of its GPUs.
static void inferred_claim(const struct process *who, const struct process *owner) {
    int chosen[MAX_GPUS], count = visible_gpus(who->pid, chosen), rank = -1, row = 0;
    bool fraction_known = !strcmp(who->kind, "vllm") || !strcmp(who->kind, "sglang");
    double fraction = 0;
    long each = 0;
    if (fraction_known) {
        if (count > width_of(owner)) count = (int)width_of(owner);
        const char *told = flag(owner, (const char *const[]){"--gpu-memory-utilization", "--mem-fraction-static", NULL});
        fraction = told ? atof(told) : !strcmp(who->kind, "vllm") ? 0.9 : 0.88;
    } else { // llama-server and others: the file, spread
        const char *model = flag(owner, (const char *const[]){"-m", "--model", NULL});
        struct stat found;
        long size = model && !stat(model, &found) && S_ISREG(found.st_mode) ? found.st_size >> 20 : 8192;
        each = (size + 1024) / (count ? count : 1);
    }
    const char *told = variable(who->pid, "PODLAB_GPU_MIB"), *colons = strstr(who->argv[0], "::");
    bool fixed = told && digits(told);
    for (const char *at = colons; at && (at = strstr(at, "TP")); at += 2)
        if (isdigit((unsigned char)at[2])) rank = atoi(at + 2);
    int distinct[MAX_GPUS], rows = 0;
    for (int i = 0; i < count; i++) {
        bool seen = false;
        for (int j = 0; j < rows; j++) seen |= distinct[j] == chosen[i];
        if (!seen) distinct[rows++] = chosen[i];
    }
    for (; row < rows; row++) {
        long memory = number(gpus[distinct[row]].facts, "memory");
        long mib = fixed ? atol(told) : fraction_known ? (long)((double)memory * fraction) : each;
        if (rank < 0 || rank >= rows || rank == row) hold(who, distinct[row], mib, 0);
    }
}

static struct process *process_of(long pid) {
    for (int i = 0; i < running_count; i++)
        if (running[i].pid == pid) return &running[i];
    return NULL;
}

static void read_process(long pid) {
    size_t length;
    char *line = slurp(text("/proc/%ld/cmdline", pid), &length);
    if (!length) return; // kernel thread, zombie or gone
    while (length && !line[length - 1]) length--;
    struct process found = {.pid = pid, .argv = calloc(length + 2, sizeof(char *))};
    for (char *at = line; at <= line + length; at += strlen(at) + 1) found.argv[found.argc++] = at;
    if (!found.argc) found.argv[found.argc++] = line;
    char *behind = strrchr(slurp(text("/proc/%ld/stat", pid), NULL), ')');
    if (behind) sscanf(behind + 1, " %*c %ld", &found.parent);
    found.kind = server_kind(found.argv, found.argc);
    running = realloc(running, (size_t)(running_count + 1) * sizeof *running);
    running[running_count++] = found;
}

static void read_claims(struct process *who) {
    char *rest = slurp(text("%s/claims/%ld", STATE, who->pid), NULL), *line;
    while ((line = strsep(&rest, "\n"))) {
        long gpu, mib, util = 0;
        if (sscanf(line, "%ld %ld %ld", &gpu, &mib, &util) < 2) continue;
        who->claims = true;
        hold(who, gpu, mib, util);
    }
}

static int by_gpu_and_pid(const void *one, const void *other) {
    const struct app *a = one, *b = other;
    long order = a->gpu != b->gpu ? a->gpu - b->gpu : a->pid != b->pid ? a->pid - b->pid : a < b ? -1 : 1;
    return order < 0 ? -1 : 1;
}

// Live compute processes, sorted by GPU, then pid.
//
// A process holds GPU memory when STATE/claims/PID exists (lines "GPU MIB [UTIL%]"), or when it is a model server by
// its command line and has no child that is one (so a wrapper, or an API server above its engine process, does not
// count twice).
static void compute_apps(void) {
    DIR *proc = opendir("/proc");
    for (struct dirent *entry; proc && (entry = readdir(proc));)
        if (digits(entry->d_name)) read_process(atol(entry->d_name));
    if (proc) closedir(proc);
    for (int i = 0; i < running_count; i++) read_claims(&running[i]);
    for (int i = 0; i < running_count; i++) {
        struct process *above = &running[i];
        if (!above->kind && !above->claims) continue;
        while ((above = process_of(above->parent))) above->inner = true;
    }
    for (int i = 0; i < running_count; i++) {
        struct process *who = &running[i], *owner = who, *above;
        if (!who->kind || who->claims || who->inner) continue;
        while (strstr(owner->argv[0], "::") && (above = process_of(owner->parent)) && above->kind) owner = above;
        inferred_claim(who, owner);
    }
    qsort(apps, (size_t)app_count, sizeof *apps, by_gpu_and_pid);
}

// --- the machine ---------------------------------------------------------------------------------

static void stop_for_fault(void) {
    const char *fault = word(machine, "fault"), *driver = word(machine, "driver"), *library = word(machine, "library");
    if (same(fault, "driver-mismatch")) {
        int major = 0, minor = 0;
        sscanf(driver, "%d.%d", &major, &minor);
        leave(18, "Failed to initialize NVML: Driver/library version mismatch\nNVML library version: %s\n",
              library ? library : text("%d.%d", major, minor + 16));
    }
    if (same(fault, "no-driver"))
        leave(9, "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. "
                 "Make sure that the latest NVIDIA driver is installed and running.\n\n");
    if (same(fault, "nvml-unknown")) leave(255, "Failed to initialize NVML: Unknown Error\n");
    if (same(fault, "no-devices") || !member(machine, "gpus")->child) leave(6, "No devices were found\n");
}

// gpu.json with live numbers filled in; ends the program for faults that stop nvidia-smi early.
static void load(void) {
    char *at = slurp(STATE "/gpu.json", NULL);
    machine = json_value(&at);
    double delay = real(machine, "delay");
    nanosleep(&(struct timespec){(time_t)delay, (long)((delay - (double)(time_t)delay) * 1e9)}, NULL);
    stop_for_fault();
    for (struct json *gpu = member(machine, "gpus")->child; gpu && gpu_count < MAX_GPUS; gpu = gpu->next)
        gpus[gpu_count] = (struct gpu){.facts = gpu, .index = gpu_count}, gpu_count++;
    compute_apps();
    shown_apps = truth(machine, "hide_pids") ? 0 : app_count;
    for (struct gpu *gpu = gpus; gpu < gpus + gpu_count; gpu++) {
        long busy = 0, room = number(gpu->facts, "memory") - number(gpu->facts, "reserved");
        bool mine = false;
        gpu->util = number(gpu->facts, "util");
        for (struct app *app = apps; app < apps + app_count; app++) {
            if (app->gpu != gpu->index) continue;
            busy += app->mib + (mine ? 0 : 9);
            mine = true;
            if (app->util > gpu->util) gpu->util = app->util;
        }
        gpu->used = number(gpu->facts, "base_used") + busy;
        if (gpu->used > room) gpu->used = room;
        gpu->free = room - gpu->used;
        double share = (double)gpu->util / 100;
        gpu->watts = real(gpu->facts, "idle_watts") * (mine ? 1.6 : 1) * (1 - share) +
                     real(gpu->facts, "cap_watts") * 0.9 * share;
        gpu->temp = (int)((double)(number(gpu->facts, "idle_temp") + (mine ? 4 : 0)) + 35 * share);
        gpu->pstate = mine || truth(gpu->facts, "datacenter") ? "P0" : "P8";
    }
}

static const char *short_bus(const struct gpu *gpu) { // 00000000:3B:00.0 -> 0000:3B:00.0
    return text("0000%s", strchr(word(gpu->facts, "bus"), ':'));
}

static bool lost(const struct gpu *gpu, const char *how) { return same(word(gpu->facts, "lost"), how); }

static bool off_bus(const struct gpu *gpu) { return lost(gpu, "unknown") || lost(gpu, "lost"); }

// What is printed in place of a GPU that has fallen off the bus.
static const char *lost_text(const struct gpu *gpu, const char *label) {
    if (lost(gpu, "lost"))
        return text("Unable to determine the device handle for %s %s: "
                    "GPU is lost.  Reboot the system to recover this GPU\n", label, short_bus(gpu));
    return text("Unable to determine the device handle for %s%s: Unknown Error\n", label, short_bus(gpu));
}

static int lost_status(const struct gpu *const *list, int count) {
    int status = 0;
    for (int i = 0; i < count; i++) {
        int one = !off_bus(list[i]) ? 0 : lost(list[i], "lost") ? 15 : 255;
        if (one > status) status = one;
    }
    return status;
}

static int select_gpus(const char *ids, const struct gpu **chosen) {
    int count = 0;
    if (!ids || !*ids) {
        for (; count < gpu_count; count++) chosen[count] = &gpus[count];
        return count;
    }
    char *rest = strdup(ids), *item;
    while ((item = strsep(&rest, ","))) {
        int before = count;
        for (struct gpu *gpu = gpus; gpu < gpus + gpu_count && count < MAX_GPUS; gpu++)
            if (same(text("%ld", gpu->index), item) || same(word(gpu->facts, "uuid"), item) ||
                same(word(gpu->facts, "bus"), item) || same(short_bus(gpu), item))
                chosen[count++] = gpu;
        if (count == before) leave(6, "No devices were found\n");
    }
    return count;
}

static void stop_for_lost(void) { // the summary and the XML of the real one are this and nothing else then
    for (const struct gpu *gpu = gpus; gpu < gpus + gpu_count; gpu++)
        if (off_bus(gpu)) leave(lost_status(&gpu, 1), "%s", lost_text(gpu, "GPU"));
}

// --- --query-gpu and --query-compute-apps --------------------------------------------------------

struct field {
    const char *name, *unit; // the unit is shown in the header
    const char *(*value)(const struct gpu *gpu, const struct app *app);
};

static const char *or_na(const char *word) { return word ? word : NA; }
static const char *count_text(long value) { return text("%ld", value); }
static const char *watts_text(double value) { return text("%.2f", value); }
static const char *fact(const struct gpu *gpu, const char *key) { return word(gpu->facts, key); }
static bool mig_on(const struct gpu *gpu) { return same(fact(gpu, "mig"), "Enabled"); }

#define GPU(name, ...) \
    static const char *name(const struct gpu *gpu, const struct app *app) { (void)gpu, (void)app; return __VA_ARGS__; }

static const char *gpu_now(const struct gpu *gpu, const struct app *app) {
    (void)gpu, (void)app;
    struct timespec now;
    char day[64];
    clock_gettime(CLOCK_REALTIME, &now);
    strftime(day, sizeof day, "%Y/%m/%d %H:%M:%S.", localtime(&now.tv_sec));
    return text("%s%03ld", day, now.tv_nsec / 1000000);
}
GPU(gpu_driver, word(machine, "driver"))
GPU(gpu_total, count_text(gpu_count))
GPU(gpu_index, count_text(gpu->index))
GPU(gpu_name, fact(gpu, "name"))
GPU(gpu_serial, or_na(fact(gpu, "serial")))
GPU(gpu_uuid, fact(gpu, "uuid"))
GPU(gpu_bus, fact(gpu, "bus"))
GPU(gpu_domain, "0x0000")
GPU(gpu_bus_number, text("0x%.*s", (int)strcspn(strchr(fact(gpu, "bus"), ':') + 1, ":"), strchr(fact(gpu, "bus"), ':') + 1))
GPU(gpu_device, "0x00")
GPU(gpu_device_id, text("0x%s", fact(gpu, "pci_id")))
GPU(gpu_link_gen, fact(gpu, "pcie_gen"))
GPU(gpu_link_width, "16")
GPU(gpu_active, "Disabled")
GPU(gpu_display, truth(gpu->facts, "datacenter") ? "Enabled" : "Disabled")
GPU(gpu_persistence, truth(gpu->facts, "persistence") ? "Enabled" : "Disabled")
GPU(gpu_mode, "Default")
GPU(gpu_capability, fact(gpu, "compute_cap"))
GPU(gpu_vbios, fact(gpu, "vbios"))
GPU(gpu_pstate, gpu->pstate)
GPU(gpu_fan, or_na(fact(gpu, "fan")))
GPU(gpu_memory, fact(gpu, "memory"))
GPU(gpu_reserved, fact(gpu, "reserved"))
GPU(gpu_used, count_text(gpu->used))
GPU(gpu_free, count_text(gpu->free))
GPU(gpu_util, mig_on(gpu) ? NA : count_text(gpu->util))
GPU(gpu_memory_util, mig_on(gpu) ? NA : count_text(gpu->util / 2))
GPU(gpu_temp, count_text(gpu->temp))
GPU(gpu_memory_temp, truth(gpu->facts, "datacenter") ? count_text(gpu->temp + 8) : "N/A")
GPU(gpu_power, truth(gpu->facts, "datacenter") ? NA : "Enabled")
GPU(gpu_watts, watts_text(gpu->watts))
GPU(gpu_cap, watts_text(real(gpu->facts, "cap_watts")))
GPU(gpu_clock, fact(gpu, "clock"))
GPU(gpu_memory_clock, fact(gpu, "memory_clock"))
GPU(gpu_ecc_mode, !fact(gpu, "ecc") ? NA : number(gpu->facts, "ecc") >= 0 ? "Enabled" : "Disabled")
GPU(gpu_ecc_corrected, fact(gpu, "ecc") ? "0" : NA)
GPU(gpu_ecc, !fact(gpu, "ecc") ? NA : number(gpu->facts, "ecc") < 0 ? "0" : fact(gpu, "ecc"))
GPU(gpu_mig, or_na(fact(gpu, "mig")))
GPU(app_pid, count_text(app->pid))
GPU(app_name, app->name)
GPU(app_memory, count_text(app->mib))

static const struct field GPU_FIELDS[] = {
    {"timestamp", "", gpu_now}, {"driver_version", "", gpu_driver}, {"count", "", gpu_total},
    {"index", "", gpu_index}, {"name", "", gpu_name}, {"serial", "", gpu_serial}, {"uuid", "", gpu_uuid},
    {"pci.bus_id", "", gpu_bus}, {"pci.domain", "", gpu_domain}, {"pci.bus", "", gpu_bus_number},
    {"pci.device", "", gpu_device}, {"pci.device_id", "", gpu_device_id},
    {"pcie.link.gen.current", "", gpu_link_gen}, {"pcie.link.gen.max", "", gpu_link_gen},
    {"pcie.link.width.current", "", gpu_link_width}, {"pcie.link.width.max", "", gpu_link_width},
    {"display_active", "", gpu_active}, {"display_mode", "", gpu_display},
    {"persistence_mode", "", gpu_persistence}, {"compute_mode", "", gpu_mode}, {"compute_cap", "", gpu_capability},
    {"vbios_version", "", gpu_vbios}, {"pstate", "", gpu_pstate}, {"fan.speed", "%", gpu_fan},
    {"memory.total", "MiB", gpu_memory}, {"memory.reserved", "MiB", gpu_reserved}, {"memory.used", "MiB", gpu_used},
    {"memory.free", "MiB", gpu_free}, {"utilization.gpu", "%", gpu_util}, {"utilization.memory", "%", gpu_memory_util},
    {"temperature.gpu", "", gpu_temp}, {"temperature.memory", "", gpu_memory_temp}, {"power.management", "", gpu_power},
    {"power.draw", "W", gpu_watts}, {"power.draw.instant", "W", gpu_watts}, {"power.limit", "W", gpu_cap},
    {"enforced.power.limit", "W", gpu_cap}, {"power.max_limit", "W", gpu_cap},
    {"clocks.current.graphics", "MHz", gpu_clock}, {"clocks.current.sm", "MHz", gpu_clock},
    {"clocks.current.memory", "MHz", gpu_memory_clock}, {"clocks.max.sm", "MHz", gpu_clock},
    {"ecc.mode.current", "", gpu_ecc_mode}, {"ecc.errors.corrected.volatile.total", "", gpu_ecc_corrected},
    {"ecc.errors.uncorrected.volatile.total", "", gpu_ecc}, {"ecc.errors.uncorrected.aggregate.total", "", gpu_ecc},
    {"mig.mode.current", "", gpu_mig}, {"mig.mode.pending", "", gpu_mig}, {NULL, NULL, NULL},
};
static const struct field APP_FIELDS[] = {
    {"timestamp", "", gpu_now}, {"gpu_name", "", gpu_name}, {"gpu_bus_id", "", gpu_bus},
    {"gpu_serial", "", gpu_serial}, {"gpu_uuid", "", gpu_uuid}, {"pid", "", app_pid},
    {"process_name", "", app_name}, {"used_gpu_memory", "MiB", app_memory}, {NULL, NULL, NULL},
};
// An accepted name, and the one that is printed.
static const char *const GPU_ALIASES[][2] = {
    {"gpu_name", "name"}, {"gpu_uuid", "uuid"}, {"gpu_bus_id", "pci.bus_id"}, {"gpu_serial", "serial"},
    {"clocks.gr", "clocks.current.graphics"}, {"clocks.sm", "clocks.current.sm"},
    {"clocks.mem", "clocks.current.memory"}, {NULL, NULL},
};
static const char *const APP_ALIASES[][2] = {
    {"name", "process_name"}, {"used_memory", "used_gpu_memory"}, {NULL, NULL},
};

static const struct field *field_named(char *name, const struct field *known, const char *const (*aliases)[2]) {
    const char *meant;
    name += strspn(name, " \t\r\n");
    for (char *end = name + strlen(name); end > name && isspace((unsigned char)end[-1]);) *--end = 0;
    for (meant = name; **aliases; aliases++)
        if (!strcmp(meant, (*aliases)[0])) meant = (*aliases)[1];
    while (known->name && strcmp(known->name, meant)) known++;
    if (!known->name) leave(2, "Field \"%s\" is not a valid field to query.\n\n", name);
    return known;
}

// One row as the real program writes CSV: `, ` between values, units behind each value.
static void row(const struct field **fields, int count, bool units, const struct gpu *gpu, const struct app *app) {
    for (int i = 0; i < count; i++) {
        const char *value = fields[i]->value(gpu, app);
        bool with_unit = units && *fields[i]->unit && strcmp(value, NA);
        printf("%s%s%s%s", i ? ", " : "", value, with_unit ? " " : "", with_unit ? fields[i]->unit : "");
    }
    putchar('\n');
}

static int fields_of(const char *names, const struct field *known, const char *const (*aliases)[2], bool header,
                     const struct field **fields) {
    int count = 0;
    char *rest = strdup(names), *name;
    while ((name = strsep(&rest, ",")) && count < 128) fields[count++] = field_named(name, known, aliases);
    for (int i = 0; header && i < count; i++) {
        const char *unit = fields[i]->unit;
        printf("%s%s%s%s%s", i ? ", " : "", fields[i]->name, *unit ? " [" : "", unit, *unit ? "]" : "");
    }
    if (header) putchar('\n');
    return count;
}

static bool asked(const char *formats, const char *format) {
    char *rest = strdup(formats), *one;
    while ((one = strsep(&rest, ",")))
        if (!strcmp(one, format)) return true;
    return false;
}

static int query_gpu(const char *names, const char *formats, const char *ids) {
    const struct gpu *chosen[MAX_GPUS];
    const struct field *fields[128];
    int gpus_asked = select_gpus(ids, chosen);
    int count = fields_of(names, GPU_FIELDS, GPU_ALIASES, !asked(formats, "noheader"), fields);
    for (int i = 0; i < gpus_asked; i++) {
        if (off_bus(chosen[i])) fputs(lost_text(chosen[i], "GPU"), stdout); // stands for its row
        else row(fields, count, !asked(formats, "nounits"), chosen[i], NULL);
    }
    return lost_status(chosen, gpus_asked);
}

static int query_apps(const char *names, const char *formats, const char *ids) {
    const struct gpu *chosen[MAX_GPUS];
    const struct field *fields[128];
    int gpus_asked = select_gpus(ids, chosen);
    int count = fields_of(names, APP_FIELDS, APP_ALIASES, !asked(formats, "noheader"), fields);
    for (int i = 0; i < shown_apps; i++) {
        bool wanted = false;
        for (int j = 0; j < gpus_asked; j++) wanted |= chosen[j]->index == apps[i].gpu;
        if (wanted && !off_bus(&gpus[apps[i].gpu]))
            row(fields, count, !asked(formats, "nounits"), &gpus[apps[i].gpu], &apps[i]);
    }
    return lost_status(chosen, gpus_asked);
}

// --- the summary table ---------------------------------------------------------------------------

static void fill(char sign, int count) {
    while (count-- > 0) putchar(sign);
}

static void bar(const char *ends, char line, const int *widths) { // widths end with 0
    putchar(ends[0]);
    for (; *widths; widths++) {
        fill(line, *widths);
        putchar(widths[1] ? '+' : ends[1]);
    }
    putchar('\n');
}

static const char *now_text(void) {
    static char now[64];
    time_t seconds = time(NULL);
    strftime(now, sizeof now, "%a %b %e %H:%M:%S %Y", localtime(&seconds));
    return now;
}

static void gpu_rows(const struct gpu *gpu, bool wide, int mem) {
    const struct json *facts = gpu->facts;
    bool error = lost(gpu, "err"); // half dead: fields that cannot be read
    const char *name = word(facts, "name"), *mig = word(facts, "mig"), *ecc = word(facts, "ecc");
    if (strlen(name) > 27) name = text("%.24s...", name);
    const char *eccs = error ? "ERR!" : mig_on(gpu) ? "On" : !ecc ? "N/A" : *ecc == '-' ? "Off" : ecc;
    const char *fan = error ? "ERR!" : word(facts, "fan") ? text("%3ld%%", number(facts, "fan")) : " N/A";
    const char *cap = error ? "ERR! " : text("%4ldW", number(facts, "cap_watts"));
    if (!wide) cap = error ? "ERR!" : text("%ldW", number(facts, "cap_watts"));
    const char *power = text("%dW / %s", (int)gpu->watts, cap);
    const char *usage = text("%ldMiB / %*sMiB", gpu->used, wide ? 6 : 5, word(facts, "memory"));
    const char *util = error ? "100%" : mig_on(gpu) ? "N/A" : text("%ld%%", gpu->util);
    printf("|%4ld  %-31s%s | %s%s Off |%21s |\n", gpu->index, name, truth(facts, "persistence") ? "On " : "Off",
           wide ? "  " : "", word(facts, "bus"), eccs);
    const char *left = text("|%4s   %2dC    %-3s", fan, gpu->temp, gpu->pstate);
    printf("%s%*s | %*s |%8s      Default |\n", left, 41 - (int)strlen(left), power, mem - 2, usage, util);
    printf("|%41s|%*s|%21s |\n", "", mem, "", error ? "ERR!" : mig ? mig : "N/A");
}

static void mig_device(const struct gpu *gpu, int n, const struct json *device, int pad) {
    const char *used = word(device, "used");
    long decoders = number(device, "dec");
    printf("|%3ld%5ld   0%4d  |%16sMiB /%6ldMiB  %*s|%3ld      0 |%3ld   0%5ld%5d%5ld |\n", gpu->index,
           number(device, "gi"), n, used ? used : "12", number(device, "memory"), pad, "", number(device, "sm"),
           number(device, "ce"), decoders, 0, decoders);
    printf("|                  |%*sMiB /%6dMiB  |           |                       |\n", 16 + pad, "0", 0);
}

static void mig_table(int major, int inner, int mem) {
    bool any = false, devices = false;
    int column = mem + 10, pad = mem - 22; // since 550 the column is 2 wider, and so is the gap
    for (int i = 0; i < gpu_count; i++) any |= mig_on(&gpus[i]);
    if (!any) return;
    const int whole[] = {inner, 0}, parts[] = {18, column, 11, 23, 0};
    putchar('\n');
    bar("++", '-', whole);
    printf("| %-*s|\n", inner - 1, "MIG devices:");
    bar("++", '-', parts);
    printf("| GPU  GI  CI  MIG |%*s |        Vol|%s|\n", column - 1, "Memory-Usage",
           major >= 570 ? "        Shared         " : "      Shared           ");
    printf("|      ID  ID  Dev |%*s | SM     Unc|%s|\n", column - 1, "BAR1-Usage",
           major >= 570 ? " CE ENC  DEC  OFA  JPG " : " CE ENC DEC OFA JPG    ");
    printf("|                  |%*s|        ECC|                       |\n", column, "");
    bar("||", '=', parts);
    for (struct gpu *gpu = gpus; gpu < gpus + gpu_count; gpu++) {
        struct json *device = mig_on(gpu) ? member(gpu->facts, "mig_devices")->child : NULL;
        for (int n = 0; device; device = device->next, n++, devices = true) {
            mig_device(gpu, n, device, pad);
            bar("++", '-', parts);
        }
    }
    if (devices) return;
    printf("|  %-*s|\n", inner - 2, "No MIG devices found");
    bar("++", '-', whole);
}

static void process_table(int major, int inner) {
    const int whole[] = {inner, 0};
    int pid_width = major >= 570 ? 16 : 10, name_width = major >= 570 ? inner - 57 : inner - 51;
    printf("%*s\n", major >= 580 ? 0 : inner, "");
    bar("++", '-', whole);
    printf("| %-*s|\n", inner - 1, "Processes:");
    printf("|  GPU   GI   CI%*s   Type   %-*sGPU Memory |\n", pid_width + 1, "PID", name_width + 4, "Process name");
    printf("|        ID   ID%*s%*sUsage      |\n", pid_width + 11, "", name_width + 4, "");
    bar("||", '=', whole);
    for (int i = 0; i < shown_apps; i++) {
        const char *name = apps[i].name, *used = text("%ldMiB", apps[i].mib);
        int length = (int)strlen(name);
        if (length > name_width) name = text("...%s", name + length - (name_width - 3));
        if (strlen(used) > 8) used = text("%.5s...", used);
        printf("|%5ld   N/A  N/A%*ld      C   %-*s      %8s |\n", apps[i].gpu, pid_width, apps[i].pid, name_width, name,
               used);
    }
    if (!shown_apps) printf("|  %-*s|\n", inner - 2, "No running processes found");
    bar("++", '-', whole);
}

static void table(void) {
    stop_for_lost();
    const char *driver = word(machine, "driver");
    int major = atoi(driver), wide = major >= 550; // memory column: 24 wide since 550, 22 before
    int mem = wide ? 24 : 22, inner = 41 + 1 + mem + 1 + 22;
    const int whole[] = {inner, 0}, parts[] = {41, mem, 22, 0};
    printf("%s       \n", now_text());
    bar("++", '-', whole);
    const char *left = text("| NVIDIA-SMI %-23sDriver Version: %-*s", driver, wide ? 15 : 13, driver);
    printf("%sCUDA Version: %-*s|\n", left, inner - (int)strlen(left) - 13, word(machine, "cuda"));
    bar(major >= 580 ? "++" : "|+", '-', parts);
    printf("| GPU  Name                 Persistence-M | %-*sDisp.A | Volatile Uncorr. ECC |\n", mem - 8, "Bus-Id");
    printf("| Fan  Temp   Perf          Pwr:Usage/Cap | %*s | GPU-Util  Compute M. |\n", mem - 2, "Memory-Usage");
    printf("|%41s|%*s|%23s\n", "", mem, "", "MIG M. |");
    bar("||", '=', parts);
    for (int i = 0; i < gpu_count; i++) {
        gpu_rows(&gpus[i], wide, mem);
        bar("++", '-', parts);
    }
    mig_table(major, inner, mem);
    process_table(major, inner);
}

// --- other listings ------------------------------------------------------------------------------

static int list_gpus(void) {
    const struct gpu *all[MAX_GPUS];
    for (int i = 0; i < gpu_count; i++) {
        const struct gpu *gpu = all[i] = &gpus[i];
        if (off_bus(gpu)) {
            fputs(lost_text(gpu, lost(gpu, "lost") ? "gpu" : "gpu "), stdout);
            continue;
        }
        printf("GPU %ld: %s (UUID: %s)\n", gpu->index, word(gpu->facts, "name"), word(gpu->facts, "uuid"));
        struct json *device = mig_on(gpu) ? member(gpu->facts, "mig_devices")->child : NULL;
        for (int n = 0; device; device = device->next, n++)
            printf("  MIG %-12sDevice %2d: (UUID: %s)\n", word(device, "profile"), n, word(device, "uuid"));
    }
    return lost_status(all, gpu_count);
}

static void topology(void) {
    fputs("\t\033[4m", stdout);
    for (int i = 0; i < gpu_count; i++) printf("%sGPU%d", i ? "\t" : "", i);
    puts("\tCPU Affinity\tNUMA Affinity\tGPU NUMA ID\033[0m");
    for (int i = 0; i < gpu_count; i++) {
        const char *link = word(gpus[i].facts, "link");
        printf("GPU%d", i);
        for (int j = 0; j < gpu_count; j++)
            printf("\t%s", i == j ? " X " : same(link, word(gpus[j].facts, "link")) ? link : "SYS");
        bool second = gpu_count > 1 && i >= gpu_count / 2;
        puts(second ? "\t48-95,144-191\t1\t\tN/A" : "\t0-47,96-143\t0\t\tN/A");
    }
    fputs("\nLegend:\n\n"
          "  X    = Self\n"
          "  SYS  = Connection traversing PCIe as well as the SMP interconnect between NUMA nodes (e.g., QPI/UPI)\n"
          "  NODE = Connection traversing PCIe as well as the interconnect between PCIe Host Bridges within a NUMA node\n"
          "  PHB  = Connection traversing PCIe as well as a PCIe Host Bridge (typically the CPU)\n"
          "  PXB  = Connection traversing multiple PCIe bridges (without traversing the PCIe Host Bridge)\n"
          "  PIX  = Connection traversing at most a single PCIe bridge\n"
          "  NV#  = Connection traversing a bonded set of # NVLinks\n", stdout);
}

static const char *escaped(const char *word) {
    char *made = malloc(strlen(word) * 5 + 1), *to = made;
    for (; *word; word++) {
        const char *sign = *word == '&' ? "&amp;" : *word == '<' ? "&lt;" : *word == '>' ? "&gt;" : NULL;
        to += sign ? sprintf(to, "%s", sign) : sprintf(to, "%c", *word);
    }
    *to = 0;
    return made;
}

static void element(int depth, const char *tag, const char *value) {
    fill('\t', depth);
    printf("<%s>%s</%s>\n", tag, escaped(value), tag);
}

static void edge(int depth, const char *tag) {
    fill('\t', depth);
    printf("<%s>\n", tag);
}

static void xml_memory(const struct gpu *gpu) {
    edge(2, "fb_memory_usage");
    element(3, "total", text("%s MiB", word(gpu->facts, "memory")));
    element(3, "reserved", text("%s MiB", word(gpu->facts, "reserved")));
    element(3, "used", text("%ld MiB", gpu->used));
    element(3, "free", text("%ld MiB", gpu->free));
    edge(2, "/fb_memory_usage");
    element(2, "compute_mode", "Default");
    edge(2, "utilization");
    element(3, "gpu_util", text("%ld %%", gpu->util));
    element(3, "memory_util", text("%ld %%", gpu->util / 2));
    edge(2, "/utilization");
}

static void xml_health(const struct gpu *gpu) {
    const char *ecc = word(gpu->facts, "ecc");
    edge(2, "ecc_mode");
    element(3, "current_ecc", !ecc ? "N/A" : *ecc == '-' ? "Disabled" : "Enabled");
    edge(2, "/ecc_mode");
    edge(2, "ecc_errors");
    edge(3, "volatile");
    element(4, "sram_correctable", ecc ? "0" : "N/A");
    element(4, "dram_uncorrectable", !ecc ? "N/A" : *ecc == '-' ? "0" : ecc);
    edge(3, "/volatile");
    edge(2, "/ecc_errors");
    edge(2, "temperature");
    element(3, "gpu_temp", text("%d C", gpu->temp));
    edge(2, "/temperature");
    edge(2, "gpu_power_readings");
    element(3, "power_state", gpu->pstate);
    element(3, "power_draw", text("%.2f W", gpu->watts));
    element(3, "current_power_limit", text("%.2f W", real(gpu->facts, "cap_watts")));
    edge(2, "/gpu_power_readings");
    edge(2, "clocks");
    element(3, "sm_clock", text("%s MHz", word(gpu->facts, "clock")));
    element(3, "mem_clock", text("%s MHz", word(gpu->facts, "memory_clock")));
    edge(2, "/clocks");
}

static void xml_processes(const struct gpu *gpu) {
    edge(2, "processes");
    for (int i = 0; i < shown_apps; i++) {
        if (apps[i].gpu != gpu->index) continue;
        edge(3, "process_info");
        element(4, "gpu_instance_id", "N/A");
        element(4, "compute_instance_id", "N/A");
        element(4, "pid", text("%ld", apps[i].pid));
        element(4, "type", "C");
        element(4, "process_name", apps[i].name);
        element(4, "used_memory", text("%ld MiB", apps[i].mib));
        edge(3, "/process_info");
    }
    edge(2, "/processes");
    edge(2, "accounted_processes");
    edge(2, "/accounted_processes");
}

static void xml_gpu(const struct gpu *gpu) {
    const struct json *facts = gpu->facts;
    bool datacenter = truth(facts, "datacenter");
    const char *serial = word(facts, "serial"), *mig = word(facts, "mig"), *bus = word(facts, "bus");
    printf("\t<gpu id=\"%s\">\n", bus);
    element(2, "product_name", word(facts, "name"));
    element(2, "product_brand", datacenter ? "NVIDIA" : "GeForce");
    element(2, "product_architecture", word(facts, "architecture"));
    element(2, "display_mode", "Enabled");
    element(2, "display_active", "Disabled");
    element(2, "persistence_mode", truth(facts, "persistence") ? "Enabled" : "Disabled");
    element(2, "addressing_mode", "None");
    edge(2, "mig_mode");
    element(3, "current_mig", mig ? mig : "N/A");
    element(3, "pending_mig", mig ? mig : "N/A");
    edge(2, "/mig_mode");
    element(2, "serial", serial ? serial : "N/A");
    element(2, "uuid", word(facts, "uuid"));
    element(2, "minor_number", text("%ld", gpu->index));
    element(2, "vbios_version", word(facts, "vbios"));
    edge(2, "pci");
    element(3, "pci_bus", gpu_bus_number(gpu, NULL) + 2);
    element(3, "pci_device", "00");
    element(3, "pci_domain", "0000");
    element(3, "pci_device_id", word(facts, "pci_id"));
    element(3, "pci_bus_id", bus);
    edge(2, "/pci");
    element(2, "fan_speed", word(facts, "fan") ? text("%s %%", word(facts, "fan")) : "N/A");
    element(2, "performance_state", gpu->pstate);
    xml_memory(gpu);
    xml_health(gpu);
    xml_processes(gpu);
    puts("\t</gpu>\n");
}

static void xml(void) {
    stop_for_lost();
    puts("<?xml version=\"1.0\" ?>\n<!DOCTYPE nvidia_smi_log SYSTEM \"nvsmi_device_v12.dtd\">\n<nvidia_smi_log>");
    element(1, "timestamp", now_text());
    element(1, "driver_version", word(machine, "driver"));
    element(1, "cuda_version", word(machine, "cuda"));
    element(1, "attached_gpus", text("%d", gpu_count));
    for (int i = 0; i < gpu_count; i++) xml_gpu(&gpus[i]);
    puts("</nvidia_smi_log>");
}

static void version(void) {
    const char *driver = word(machine, "driver"), *dot = strchr(driver, '.'), *second = dot ? strchr(dot + 1, '.') : NULL;
    printf("NVIDIA-SMI version  : %s\nNVML version        : %.*s\nDRIVER version      : %s\nCUDA Version        : %s\n",
           driver, (int)(second ? second - driver : (long)strlen(driver)), driver, driver, word(machine, "cuda"));
}

// --- command line --------------------------------------------------------------------------------

static const char *option(const char *name) { // its one name, or none if it takes no value
    static const char *const KNOWN[] = {"-i", "--query-gpu", "--query-compute-apps", "--format", "-d", "--display", NULL};
    if (!strcmp(name, "--id")) return "-i";
    return one_of(name, KNOWN) ? name : NULL;
}

static char *without_blanks(const char *word) {
    char *made = strdup(word), *to = made;
    for (; *word; word++)
        if (*word != ' ') *to++ = *word;
    *to = 0;
    return made;
}

int main(int argc, char **argv) {
    static const char *const WORDS[] = {"-L", "--list-gpus", "-q", "--query", "-x", "--xml-format", "--version", "-h",
                                        "--help", "topo", "-m", "--matrix", NULL};
    const char *gpu_query = NULL, *app_query = NULL, *formats = "", *ids = NULL;
    bool help = false, list = false, whole = false, as_xml = false, versions = false, topo = false;
    for (int i = 1; i < argc; i++) {
        char *arg = strdup(argv[i]), *value = strchr(arg, '=');
        if (value) *value++ = 0;
        const char *name = option(arg);
        if (name) {
            if (!value) value = ++i < argc ? argv[i] : ""; // both "--format csv" and "--format=csv" work
            if (!strcmp(name, "-i")) ids = value;
            if (!strcmp(name, "--query-gpu")) gpu_query = value;
            if (!strcmp(name, "--query-compute-apps")) app_query = value;
            if (!strcmp(name, "--format")) formats = without_blanks(value);
        } else if (!one_of(arg, WORDS)) {
            leave(1, "ERROR: Option %s is not recognized. Please run 'nvidia-smi -h'.\n\n", argv[i]);
        }
        help |= same(arg, "-h") || same(arg, "--help");
        list |= same(arg, "-L") || same(arg, "--list-gpus");
        whole |= same(arg, "-q") || same(arg, "--query");
        as_xml |= same(arg, "-x") || same(arg, "--xml-format");
        versions |= same(arg, "--version");
        topo |= same(arg, "topo");
    }
    if (help) leave(0, "%s", HELP);
    if ((gpu_query || app_query) && !asked(formats, "csv"))
        leave(2, "\"--format=\" switch is missing. Please run 'nvidia-smi -h' for help.\n\n");
    load();
    if (gpu_query) return query_gpu(gpu_query, formats, ids);
    if (app_query) return query_apps(app_query, formats, ids);
    if (versions) return version(), 0;
    if (topo) return topology(), 0;
    if (list) return list_gpus();
    if (as_xml) return xml(), 0;
    if (whole) leave(1, "this stand-in has no plain -q: use -q -x or --query-gpu\n");
    table();
    return 0;
}
