/* A stand-in for NVIDIA's libnvidia-ml.so.1: the functions of nvml.h that lic-bench asks, with their real signatures
 * and structures. Nothing is known here: every answer is read, at every call, from the file that NVML_ANSWERS names.
 *
 *   nvmlDeviceGetPowerUsage 351000            a function and what it answers; several numbers are separated by spaces
 *   nvmlDeviceGetClockInfo.1 1980             one of its argument (clock, sensor or policy)
 *   nvmlDeviceGetTotalEnergyConsumption ramp 200000   grows by so many units a second, in steps of 20 ms
 *   nvmlDeviceGetComputeRunningProcesses_v3 17:4096 18:-1 +9   id:bytes, -1 for untold; nine more start meanwhile
 *   nvmlDeviceGetName error 15                fails with that code, as does every function with the line "* error 15"
 *   devices GPU-... MIG-...                   the UUIDs that there are
 *
 * What has no line is not supported. -DDRIVER=470 leaves out what that driver did not have.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifndef DRIVER
#define DRIVER 580
#endif
#define API __attribute__((visibility("default"))) nvmlReturn_t

typedef enum {
    SUCCESS = 0,
    UNINITIALIZED = 1,
    INVALID_ARGUMENT = 2,
    NOT_SUPPORTED = 3,
    NOT_FOUND = 6,
    INSUFFICIENT_SIZE = 7,
    DRIVER_NOT_LOADED = 9
} nvmlReturn_t;

typedef struct nvmlDevice_st { char uuid[96]; } *nvmlDevice_t;
typedef struct { unsigned long long total, free, used; } nvmlMemory_t;
typedef struct { unsigned int gpu, memory; } nvmlUtilization_t;
typedef struct { unsigned long long referenceTime, violationTime; } nvmlViolationTime_t;
typedef struct {
    unsigned int pid;
    unsigned long long usedGpuMemory;
    unsigned int gpuInstanceId, computeInstanceId;
} nvmlProcessInfo_t;

enum { DEVICES = 8, LINE = 4096 };
static struct nvmlDevice_st devices[DEVICES];
static int initialised;

/* The rest of the line that begins with `key`; the code of that line, or of the line "*", if it is an error. */
static nvmlReturn_t look_up(const char *key, char *answer)
{
    char line[LINE];
    nvmlReturn_t code = NOT_SUPPORTED;
    const char *path = getenv("NVML_ANSWERS");
    FILE *file = path ? fopen(path, "r") : NULL;
    if (!file)
        return DRIVER_NOT_LOADED;
    while (fgets(line, sizeof line, file)) {
        int failed, all = !strncmp(line, "* ", 2);
        size_t length = all ? 1 : strlen(key);
        line[strcspn(line, "\n")] = 0;
        if (!all && (strncmp(line, key, length) || line[length] != ' '))
            continue;
        strcpy(answer, line + length + 1);
        code = sscanf(answer, "error %d", &failed) == 1 ? (nvmlReturn_t)failed : SUCCESS;
        if (all)
            break;
    }
    fclose(file);
    return code;
}

static nvmlReturn_t ask(const char *function, char *answer)
{
    return initialised ? look_up(function, answer) : UNINITIALIZED;
}

/* argument: -1 for none. */
static nvmlReturn_t ask_of(const char *function, nvmlDevice_t device, int argument, char *answer)
{
    char key[128];
    if (initialised && (device < devices || device >= devices + DEVICES || !device->uuid[0]))
        return INVALID_ARGUMENT;
    snprintf(key, sizeof key, "%s.%d", function, argument);
    return ask(argument < 0 ? function : key, answer);
}

static unsigned long long number(const char *answer)
{
    struct timespec now;
    double rate;
    if (sscanf(answer, "ramp %lf", &rate) != 1)
        return strtoull(answer, NULL, 0);
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (unsigned long long)(rate * 0.02 * (now.tv_sec * 50 + now.tv_nsec / 20000000));
}

static void two_numbers(const char *answer, unsigned long long *first, unsigned long long *second)
{
    char *rest;
    *first = strtoull(answer, &rest, 0);
    *second = strtoull(rest, NULL, 0);
}

static nvmlReturn_t copy(const char *answer, char *text, unsigned int length)
{
    if (strlen(answer) >= length)
        return INSUFFICIENT_SIZE;
    strcpy(text, answer);
    return SUCCESS;
}

API nvmlInitWithFlags(unsigned int flags)
{
    char answer[LINE];
    nvmlReturn_t code = look_up("nvmlInitWithFlags", answer); /* how many milliseconds it takes */
    (void)flags;
    if (code == SUCCESS) {
        unsigned long long ms = number(answer);
        struct timespec pause = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
        nanosleep(&pause, NULL);
        initialised = 1;
    }
    return code;
}

API nvmlShutdown(void)
{
    nvmlReturn_t code = initialised ? SUCCESS : UNINITIALIZED;
    initialised = 0;
    return code;
}

__attribute__((visibility("default"))) const char *nvmlErrorString(nvmlReturn_t result)
{
    static char text[64];
    snprintf(text, sizeof text, "Stand-in Error %d", (int)result);
    return text;
}

API nvmlSystemGetDriverVersion(char *version, unsigned int length)
{
    char answer[LINE];
    nvmlReturn_t code = ask("nvmlSystemGetDriverVersion", answer);
    return code ? code : copy(answer, version, length);
}

API nvmlSystemGetCudaDriverVersion(int *version)
{
    char answer[LINE];
    nvmlReturn_t code = ask("nvmlSystemGetCudaDriverVersion", answer);
    if (!code)
        *version = (int)number(answer);
    return code;
}

/* Reads the UUIDs again, each at its old place; how many there are. */
static nvmlReturn_t list_devices(unsigned int *count)
{
    char answer[LINE];
    nvmlReturn_t code = ask("devices", answer);
    *count = 0;
    for (char *word = strtok(code ? NULL : answer, " "); word && *count < DEVICES; word = strtok(NULL, " "))
        snprintf(devices[(*count)++].uuid, sizeof devices->uuid, "%s", word);
    return code;
}

API nvmlDeviceGetCount_v2(unsigned int *count)
{
    return list_devices(count);
}

API nvmlDeviceGetHandleByIndex_v2(unsigned int index, nvmlDevice_t *device)
{
    unsigned int count;
    nvmlReturn_t code = list_devices(&count);
    if (!code && index >= count)
        return INVALID_ARGUMENT;
    *device = &devices[index];
    return code;
}

API nvmlDeviceGetHandleByUUID(const char *uuid, nvmlDevice_t *device)
{
    unsigned int count;
    nvmlReturn_t code = list_devices(&count);
    for (unsigned int index = 0; index < count; index++)
        if (!strcmp(devices[index].uuid, uuid)) {
            *device = &devices[index];
            return SUCCESS;
        }
    return code ? code : NOT_FOUND;
}

#define TEXT(function)                                                                                                 \
    API function(nvmlDevice_t device, char *text, unsigned int length)                                                 \
    {                                                                                                                  \
        char answer[LINE];                                                                                             \
        nvmlReturn_t code = ask_of(#function, device, -1, answer);                                                     \
        return code ? code : copy(answer, text, length);                                                               \
    }

#define NUMBER(type, function)                                                                                         \
    API function(nvmlDevice_t device, type *value)                                                                     \
    {                                                                                                                  \
        char answer[LINE];                                                                                             \
        nvmlReturn_t code = ask_of(#function, device, -1, answer);                                                     \
        if (!code)                                                                                                     \
            *value = (type)number(answer);                                                                             \
        return code;                                                                                                   \
    }

#define NUMBER_OF(function)                                                                                            \
    API function(nvmlDevice_t device, unsigned int argument, unsigned int *value)                                      \
    {                                                                                                                  \
        char answer[LINE];                                                                                             \
        nvmlReturn_t code = ask_of(#function, device, (int)argument, answer);                                          \
        if (!code)                                                                                                     \
            *value = (unsigned int)number(answer);                                                                     \
        return code;                                                                                                   \
    }

/* What it is now, and after the next restart. */
#define MODE(function)                                                                                                 \
    API function(nvmlDevice_t device, unsigned int *current, unsigned int *pending)                                    \
    {                                                                                                                  \
        char answer[LINE];                                                                                             \
        unsigned long long first, second;                                                                              \
        nvmlReturn_t code = ask_of(#function, device, -1, answer);                                                     \
        if (!code) {                                                                                                   \
            two_numbers(answer, &first, &second);                                                                      \
            *current = (unsigned int)first;                                                                            \
            *pending = (unsigned int)second;                                                                           \
        }                                                                                                              \
        return code;                                                                                                   \
    }

TEXT(nvmlDeviceGetName)
TEXT(nvmlDeviceGetVbiosVersion)
NUMBER(unsigned int, nvmlDeviceGetPowerUsage)
NUMBER(unsigned int, nvmlDeviceGetEnforcedPowerLimit)
NUMBER(unsigned int, nvmlDeviceGetPowerManagementDefaultLimit)
NUMBER(unsigned int, nvmlDeviceGetPersistenceMode)
NUMBER(unsigned int, nvmlDeviceGetComputeMode)
NUMBER(unsigned int, nvmlDeviceGetCurrPcieLinkGeneration)
NUMBER(unsigned int, nvmlDeviceGetMaxPcieLinkGeneration)
NUMBER(unsigned int, nvmlDeviceGetCurrPcieLinkWidth)
NUMBER(unsigned int, nvmlDeviceGetMaxPcieLinkWidth)
NUMBER(unsigned long long, nvmlDeviceGetTotalEnergyConsumption)
NUMBER(unsigned long long, nvmlDeviceGetCurrentClocksThrottleReasons)
NUMBER_OF(nvmlDeviceGetClockInfo)
NUMBER_OF(nvmlDeviceGetMaxClockInfo)
NUMBER_OF(nvmlDeviceGetApplicationsClock)
NUMBER_OF(nvmlDeviceGetDefaultApplicationsClock)
NUMBER_OF(nvmlDeviceGetTemperature)
MODE(nvmlDeviceGetEccMode)
MODE(nvmlDeviceGetMigMode)
#if DRIVER >= 535
NUMBER(unsigned long long, nvmlDeviceGetCurrentClocksEventReasons)
#endif

API nvmlDeviceGetUtilizationRates(nvmlDevice_t device, nvmlUtilization_t *rates)
{
    char answer[LINE];
    unsigned long long gpu, memory;
    nvmlReturn_t code = ask_of("nvmlDeviceGetUtilizationRates", device, -1, answer);
    if (!code) {
        two_numbers(answer, &gpu, &memory);
        *rates = (nvmlUtilization_t){(unsigned int)gpu, (unsigned int)memory};
    }
    return code;
}

/* total and used */
API nvmlDeviceGetMemoryInfo(nvmlDevice_t device, nvmlMemory_t *memory)
{
    char answer[LINE];
    nvmlReturn_t code = ask_of("nvmlDeviceGetMemoryInfo", device, -1, answer);
    if (!code) {
        two_numbers(answer, &memory->total, &memory->used);
        memory->free = memory->total - memory->used;
    }
    return code;
}

/* nanoseconds */
API nvmlDeviceGetViolationStatus(nvmlDevice_t device, unsigned int policy, nvmlViolationTime_t *time)
{
    char answer[LINE];
    nvmlReturn_t code = ask_of("nvmlDeviceGetViolationStatus", device, (int)policy, answer);
    if (!code)
        *time = (nvmlViolationTime_t){1, number(answer)};
    return code;
}

#if DRIVER >= 510
/* As nvml.h has it: too small an array, or none, is answered with the size that is needed. */
API nvmlDeviceGetComputeRunningProcesses_v3(nvmlDevice_t device, unsigned int *count, nvmlProcessInfo_t *found)
{
    char answer[LINE];
    unsigned int room = *count, more;
    nvmlReturn_t code = ask_of("nvmlDeviceGetComputeRunningProcesses_v3", device, -1, answer);
    if (code)
        return code;
    *count = 0;
    for (char *word = strtok(answer, " "); word; word = strtok(NULL, " ")) {
        unsigned int pid;
        int64_t bytes;
        if (sscanf(word, "+%u", &more) == 1)
            *count += found ? more : 0;
        else if (sscanf(word, "%u:%" SCNd64, &pid, &bytes) == 2 && (*count)++ < room && found)
            found[*count - 1] = (nvmlProcessInfo_t){pid, (unsigned long long)bytes, ~0u, ~0u};
    }
    return *count > room ? INSUFFICIENT_SIZE : SUCCESS;
}
#endif
