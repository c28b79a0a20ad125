/* G.711: µ-law and A-law, one byte a sample at 8 kHz, as carried by PCMU and PCMA (RFC 3551 §4.5.14). */
#pragma once

#include <stddef.h>
#include <stdint.h>

int16_t g711_ulaw_decode(uint8_t code);
uint8_t g711_ulaw_encode(int16_t sample);
int16_t g711_alaw_decode(uint8_t code);
uint8_t g711_alaw_encode(int16_t sample);
