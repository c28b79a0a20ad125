/*
 * Included before every file of ours by the build (-include): functions that are not used here because they
 * measure text by its NUL, guess at errors, or allocate behind base/mem.h. Using one is a compile error.
 */
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

/* Their headers come first: a poisoned name may not even be declared. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* Macros where clang builds with _FORTIFY_SOURCE. */
#undef sprintf
#undef vsprintf

#pragma GCC poison strcpy strncpy strcat strncat stpcpy sprintf vsprintf gets
#pragma GCC poison atoi atol atoll atof strtok strtok_r
#pragma GCC poison gmtime localtime ctime asctime inet_addr inet_aton inet_ntoa
#pragma GCC poison srandom drand48

/* Not poisoned, since headers of others and struct random use the words: only calling them is the error. */
#define rand()      use_crypto_random_h_instead_of_rand
#define random()    use_crypto_random_h_instead_of_random
#define srand(seed) use_crypto_random_h_instead_of_srand
