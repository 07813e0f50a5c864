// The native engine of the tests, as a Node add-on: memory for one instance of a program, calls of its exports, and
// faults as exceptions. One load of a copy of the .node file is one instance; test/engine.ts makes the copies.
//
// A fault leaves the program by longjmp: its code has no destructors, and nothing of it goes on afterwards.

#include <node_api.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define HIDDEN __attribute__((visibility("hidden")))
static const size_t KERNEL_SIZE = 32 << 20, USER_SIZE = 1 << 20;
static const uint32_t KERNEL_BASE = 0x80000000u;
static const int MOST_ARGUMENTS = 16;

extern "C" {
struct PorphyryExport { const char *name; uint32_t arity; int32_t (*call)(const int32_t *); };
extern HIDDEN PorphyryExport porphyry_exports[];
extern HIDDEN uint8_t porphyry_string_bytes[];
extern HIDDEN uint32_t porphyry_string_size, porphyry_string_address, porphyry_end;
HIDDEN uint8_t *porphyry_kernel, *porphyry_user;
}

static jmp_buf out;
static char message[160];

extern "C" HIDDEN void porphyry_fault(const char *why) {
  snprintf(message, sizeof message, "%s", why);
  longjmp(out, 1);
}

extern "C" HIDDEN void porphyry_unmapped(int32_t base, int32_t offset, uint32_t size) {
  snprintf(message, sizeof message, "no memory at 0x%08x + 0x%08x for %u bytes", (uint32_t)base, (uint32_t)offset, size);
  longjmp(out, 1);
}

extern "C" HIDDEN void porphyry_not_a_function(int32_t address) {
  snprintf(message, sizeof message, "no function at 0x%08x", (uint32_t)address);
  longjmp(out, 1);
}

/** call(number of the export, ...arguments) */
static napi_value call(napi_env env, napi_callback_info info) {
  napi_value given[MOST_ARGUMENTS + 1], result = nullptr;
  size_t count = MOST_ARGUMENTS + 1;
  int32_t number = 0, args[MOST_ARGUMENTS] = {};
  napi_get_cb_info(env, info, &count, given, nullptr, nullptr);
  if (count > MOST_ARGUMENTS + 1) return napi_throw_range_error(env, nullptr, "too many arguments"), nullptr;
  napi_get_value_int32(env, given[0], &number);
  for (size_t i = 1; i < count; i++) napi_get_value_int32(env, given[i], &args[i - 1]);
  if (setjmp(out) != 0) return napi_throw_error(env, nullptr, message), nullptr;
  napi_create_int32(env, porphyry_exports[number].call(args), &result);
  return result;
}

static uint8_t *zeroed(size_t bytes) {
  void *p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return p == MAP_FAILED ? nullptr : (uint8_t *)p;
}

static void release(napi_env, void *memory, void *bytes) { munmap(memory, (size_t)bytes); }

static void set(napi_env env, napi_value object, const char *name, napi_value value) {
  napi_set_named_property(env, object, name, value);
}

static napi_value arena(napi_env env, uint8_t *memory, size_t bytes) {
  napi_value buffer = nullptr;
  napi_create_external_arraybuffer(env, memory, bytes, release, (void *)bytes, &buffer);
  return buffer;
}

/** { call, kernel, user, end, exports: { name: [number, arity] } } */
static napi_value init(napi_env env, napi_value exports) {
  porphyry_kernel = zeroed(KERNEL_SIZE);
  porphyry_user = zeroed(USER_SIZE);
  if (!porphyry_kernel || !porphyry_user) return napi_throw_error(env, nullptr, "no memory for the arenas"), nullptr;
  memcpy(porphyry_kernel + (porphyry_string_address - KERNEL_BASE), porphyry_string_bytes, porphyry_string_size);
  napi_value value, names;
  napi_create_function(env, "call", NAPI_AUTO_LENGTH, call, nullptr, &value);
  set(env, exports, "call", value);
  set(env, exports, "kernel", arena(env, porphyry_kernel, KERNEL_SIZE));
  set(env, exports, "user", arena(env, porphyry_user, USER_SIZE));
  napi_create_uint32(env, porphyry_end, &value);
  set(env, exports, "end", value);
  napi_create_object(env, &names);
  for (uint32_t i = 0; porphyry_exports[i].name; i++) {
    napi_value pair, number, arity;
    napi_create_array_with_length(env, 2, &pair);
    napi_create_uint32(env, i, &number);
    napi_create_uint32(env, porphyry_exports[i].arity, &arity);
    napi_set_element(env, pair, 0, number);
    napi_set_element(env, pair, 1, arity);
    set(env, names, porphyry_exports[i].name, pair);
  }
  set(env, exports, "exports", names);
  return exports;
}

NAPI_MODULE(porphyry, init)
