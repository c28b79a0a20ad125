#include "sip/date.h"

#include <string.h>

#include "base/scan.h"

static const char day_names[7][4] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" };
static const char month_names[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
static const unsigned char month_days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

static bool is_leap(uint64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned days_of_month(uint64_t year, unsigned month)
{
	return month_days[month] + (month == 1 && is_leap(year) ? 1u : 0u);
}

static void set_two_digits(char to[2], uint64_t number)
{
	to[0] = (char)('0' + number / 10);
	to[1] = (char)('0' + number % 10);
}

static void put_two_digits(struct writer *out, uint64_t number)
{
	char digits[2];

	set_two_digits(digits, number);
	put(out, slice_from(digits, sizeof digits));
}

struct day {
	uint64_t year;
	unsigned month, day; /* both from 0 */
};

/* The day of the year's first day, counted from 1970. */
static uint64_t days_before(uint64_t year)
{
	uint64_t past = year - 1;

	return 365 * (year - 1970) + (past / 4 - 1969 / 4) - (past / 100 - 1969 / 100) +
	       (past / 400 - 1969 / 400);
}

static struct day day_of(uint64_t days)
{
	/* No year is longer than 366 days: this is it, or one of the few before it. */
	struct day day = { .year = 1970 + days / 366 };

	days -= days_before(day.year);
	while (days >= (is_leap(day.year) ? 366u : 365u))
		days -= is_leap(day.year++) ? 366 : 365;
	while (days >= days_of_month(day.year, day.month))
		days -= days_of_month(day.year, day.month++);
	day.day = (unsigned)days;
	return day;
}

void put_day(struct writer *out, utc_t when)
{
	struct day day = day_of(when > 0 ? (uint64_t)when / 86400 : 0);

	put_number(out, day.year);
	put_char(out, '-');
	put_two_digits(out, day.month + 1);
	put_char(out, '-');
	put_two_digits(out, day.day + 1);
}

void put_date(struct writer *out, utc_t when)
{
	char text[] = "Thu, 01 Jan 1970 00:00:00 GMT";
	enum { WEEKDAY = 0, DAY = 5, MONTH = 8, YEAR = 12, HOUR = 17, MINUTE = 20, SECOND = 23 };
	uint64_t seconds = when > 0 ? (uint64_t)when : 0;
	struct day day = day_of(seconds / 86400);

	memcpy(text + WEEKDAY, day_names[seconds / 86400 % 7], 3);
	set_two_digits(text + DAY, day.day + 1);
	memcpy(text + MONTH, month_names[day.month], 3);
	set_two_digits(text + YEAR, day.year / 100 % 100);
	set_two_digits(text + YEAR + 2, day.year % 100);
	set_two_digits(text + HOUR, seconds / 3600 % 24);
	set_two_digits(text + MINUTE, seconds / 60 % 60);
	set_two_digits(text + SECOND, seconds % 60);
	put(out, slice_from(text, sizeof text - 1));
}

/* One of the names, each of three letters; its place among them, or -1. */
static int scan_name(struct scan *in, const char (*names)[4], int n)
{
	for (int i = 0; i < n; i++)
		if (scan_text(in, slice_from(names[i], 3)))
			return i;
	return -1;
}

/* Exactly so many digits. */
static bool scan_digits(struct scan *in, size_t n, uint64_t max, uint64_t *ret_number)
{
	const char *from = in->at;

	return scan_number(in, max, ret_number) && (size_t)(in->at - from) == n;
}

/* time = 2DIGIT ":" 2DIGIT ":" 2DIGIT, a leap second too */
static bool scan_time(struct scan *in, uint64_t *ret_seconds)
{
	uint64_t hour, minute, second;

	if (!scan_digits(in, 2, 23, &hour) || !scan_char(in, ':') || !scan_digits(in, 2, 59, &minute) ||
	    !scan_char(in, ':') || !scan_digits(in, 2, 60, &second))
		return false;
	*ret_seconds = hour * 3600 + minute * 60 + second;
	return true;
}

/* Its first second; false for a day that its month does not have. */
static bool begin_of(const struct day *day, uint64_t *ret_seconds)
{
	uint64_t days;

	if (day->year < 1970 || day->day >= days_of_month(day->year, day->month))
		return false;
	days = days_before(day->year) + day->day;
	for (unsigned i = 0; i < day->month; i++)
		days += days_of_month(day->year, i);
	*ret_seconds = days * 86400;
	return true;
}

/* full-date = 4DIGIT "-" 2DIGIT "-" 2DIGIT */
bool sip_day_parse(struct slice value, utc_t *ret_when)
{
	struct scan in = scan_of(value);
	uint64_t year, month, day, seconds;

	if (!scan_digits(&in, 4, 9999, &year) || !scan_char(&in, '-') || !scan_digits(&in, 2, 12, &month) ||
	    !scan_char(&in, '-') || !scan_digits(&in, 2, 31, &day) || !scan_done(&in) || month == 0 ||
	    day == 0)
		return false;
	if (!begin_of(&(struct day){ year, (unsigned)month - 1, (unsigned)day - 1 }, &seconds))
		return false;
	*ret_when = (utc_t)seconds;
	return true;
}

/* rfc1123-date = wkday "," SP date1 SP time SP "GMT"; date1 = 2DIGIT SP month SP 4DIGIT */
bool sip_date_parse(struct slice value, utc_t *ret_when)
{
	struct scan in = scan_of(value);
	uint64_t day, year, seconds, begin;
	int month;

	if (scan_name(&in, day_names, 7) < 0 || !scan_text(&in, SLICE(", ")) ||
	    !scan_digits(&in, 2, 31, &day) || !scan_char(&in, ' '))
		return false;
	month = scan_name(&in, month_names, 12);
	if (month < 0 || !scan_char(&in, ' ') || !scan_digits(&in, 4, 9999, &year) || day == 0 ||
	    !begin_of(&(struct day){ year, (unsigned)month, (unsigned)day - 1 }, &begin))
		return false;
	if (!scan_char(&in, ' ') || !scan_time(&in, &seconds) || !scan_text(&in, SLICE(" GMT")) ||
	    !scan_done(&in))
		return false;
	*ret_when = (utc_t)(begin + seconds);
	return true;
}
