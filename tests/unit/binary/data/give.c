int give_one(void);
int give_two(void);
int hidden(void);

int give_one(void)
{
	return 1;
}

int give_two(void)
{
	return 2;
}

int hidden(void)
{
	return 3;
}
