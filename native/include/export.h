// NATIVE_EXPORT: a function of C that the library shows; everything else in it is hidden.
#pragma once

#if defined(_WIN32)
#define NATIVE_EXPORT extern "C" __declspec(dllexport)
#else
#define NATIVE_EXPORT extern "C" __attribute__((visibility("default")))
#endif
