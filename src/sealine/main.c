#include "sealine/command.h"

int main(int argc, char *argv[])
{
	return (int)sealine_run(argc, argv);
}
