#include "registrar/date.h"

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

static void put_two_digits(struct writer *out, uint64_t number)
{
	put_char(out, (char)('0' + number / 10));
	put_char(out, (char)('0' + number % 10));
}

void put_date(struct writer *out, utc_t when)
{
	uint64_t seconds = when > 0 ? (uint64_t)when : 0;
	uint64_t days = seconds / 86400, left = days, year = 1970;
	unsigned month = 0;

	while (left >= (is_leap(year) ? 366u : 365u))
		left -= is_leap(year++) ? 366 : 365;
	while (left >= days_of_month(year, month))
		left -= days_of_month(year, month++);

	put(out, slice_from(day_names[days % 7], 3));
	put(out, SLICE(", "));
	put_two_digits(out, left + 1);
	put_char(out, ' ');
	put(out, slice_from(month_names[month], 3));
	put_char(out, ' ');
	put_number(out, year);
	put_char(out, ' ');
	put_two_digits(out, seconds / 3600 % 24);
	put_char(out, ':');
	put_two_digits(out, seconds / 60 % 60);
	put_char(out, ':');
	put_two_digits(out, seconds % 60);
	put(out, SLICE(" GMT"));
}
