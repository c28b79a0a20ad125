/* Plays a scenario step by step and says what went wrong. */
#pragma once

#include "base/writer.h"
#include "scenario.h"

/*
 * False if something happened that the scenario does not say, or the other way round. log gets what happened,
 * line by line, and last what is wrong and in which line of the scenario.
 */
bool play(const struct scenario *scenario, struct writer *log);
