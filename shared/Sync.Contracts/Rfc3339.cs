namespace Sync.Contracts;

/// <summary>Times in texts from outside: RFC 3339, and nothing else that the runtime's parsers take. The one reader of
/// them.</summary>
public static class Rfc3339
{
    /// <summary>Most digits of a fraction: nanoseconds, as in MessagePack.</summary>
    public const int FractionDigitsMax = 9;

    // 0000-00-00T00:00:00
    private const int SecondsLength = 19;
    private const int MicrosecondDigits = 6;

    private static readonly Timestamp First = Timestamp.From(DateTimeOffset.MinValue);
    private static readonly Timestamp Last = Timestamp.From(DateTimeOffset.MaxValue);

    /// <summary>Reads <c>2026-01-31T12:00:00.123456Z</c>: <c>T</c> and <c>Z</c> of either case, a fraction of 1 to 9
    /// digits or none, an offset from -23:59 to +23:59 in place of <c>Z</c>. What is finer than whole microseconds is
    /// cut off, towards the past. Leap seconds, and instants outside the years 1 to 9999 in UTC, are refused: they
    /// could not be kept.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="time">The instant; 1970 when it is refused.</param>
    /// <returns>Null, or what is wrong with the text, to stand behind its name: <c>must be RFC 3339 …</c>.</returns>
    public static string? TryRead(ReadOnlySpan<char> text, out Timestamp time)
    {
        time = default;
        return Read(text, ref time) is { } wrong ? $"must be RFC 3339, like 2026-01-31T12:00:00Z: {wrong}" : null;
    }

    private static string? Read(ReadOnlySpan<char> text, ref Timestamp time)
    {
        if (!HasForm(text)) return "the form is YYYY-MM-DDThh:mm:ss, then a fraction or none, then Z or an offset";
        if (WrongDay(text) is { } wrongDay) return wrongDay;
        if (WrongClock(text) is { } wrongClock) return wrongClock;
        if (WrongFraction(text[SecondsLength..], out var length, out var micros) is { } wrongFraction) return wrongFraction;
        if (WrongOffset(text[(SecondsLength + length)..], out var offset) is { } wrongOffset) return wrongOffset;
        var local = new DateTimeOffset(
            Number(text, 0, 4), Number(text, 5, 2), Number(text, 8, 2), Number(text, 11, 2), Number(text, 14, 2),
            Number(text, 17, 2), TimeSpan.Zero);
        var read = new Timestamp(
            Timestamp.From(local).UnixMicroseconds + micros - (offset.Ticks / TimeSpan.TicksPerMicrosecond));
        if (read < First || read > Last) return "in UTC it is not in the years 0001 to 9999";
        time = read;
        return null;
    }

    private static bool HasForm(ReadOnlySpan<char> text)
    {
        if (text.Length < SecondsLength) return false;
        const string form = "0000-00-00T00:00:00";
        for (var at = 0; at < SecondsLength; at++)
        {
            var fits = form[at] switch
            {
                '0' => char.IsAsciiDigit(text[at]),
                'T' => text[at] is 'T' or 't',
                var mark => text[at] == mark,
            };
            if (!fits) return false;
        }
        return true;
    }

    private static string? WrongDay(ReadOnlySpan<char> text)
    {
        var (year, month, day) = (Number(text, 0, 4), Number(text, 5, 2), Number(text, 8, 2));
        if (year == 0) return "the years are 0001 to 9999";
        if (month is 0 or > 12) return "the months are 01 to 12";
        return day == 0 || day > DateTime.DaysInMonth(year, month) ? "the month has no such day" : null;
    }

    private static string? WrongClock(ReadOnlySpan<char> text)
    {
        if (Number(text, 11, 2) > 23) return "the hours are 00 to 23";
        if (Number(text, 14, 2) > 59) return "the minutes are 00 to 59";
        return Number(text, 17, 2) > 59 ? "the seconds are 00 to 59; a leap second cannot be kept" : null;
    }

    private static string? WrongFraction(ReadOnlySpan<char> rest, out int length, out int micros)
    {
        (length, micros) = (0, 0);
        if (!rest.StartsWith('.')) return null;
        var digits = 0;
        while (digits + 1 < rest.Length && char.IsAsciiDigit(rest[digits + 1])) digits++;
        if (digits is 0 or > FractionDigitsMax) return "a fraction has 1 to 9 digits";
        for (var at = 0; at < MicrosecondDigits; at++) micros = (micros * 10) + (at < digits ? rest[at + 1] - '0' : 0);
        length = digits + 1;
        return null;
    }

    private static string? WrongOffset(ReadOnlySpan<char> rest, out TimeSpan offset)
    {
        offset = default;
        if (rest is "Z" or "z") return null;
        if (rest.IsEmpty) return "it has no offset; end it with Z or one like +02:00";
        if (rest.Length != 6 || rest[0] is not ('+' or '-') || rest[3] != ':' || !AreDigits(rest[1..3]) || !AreDigits(rest[4..]))
            return "it must end with Z or an offset like +02:00";
        var (hours, minutes) = (Number(rest, 1, 2), Number(rest, 4, 2));
        if (hours > 23 || minutes > 59) return "offsets are -23:59 to +23:59";
        offset = new TimeSpan(hours, minutes, 0);
        if (rest[0] == '-') offset = -offset;
        return null;
    }

    private static bool AreDigits(ReadOnlySpan<char> text) => !text.ContainsAnyExceptInRange('0', '9');

    // Only of what is known to be digits.
    private static int Number(ReadOnlySpan<char> text, int start, int length)
    {
        var number = 0;
        foreach (var digit in text.Slice(start, length)) number = (number * 10) + (digit - '0');
        return number;
    }
}
