namespace Sync.Contracts;

/// <summary>Whole numbers in texts from outside. Stricter than the runtime's parsers, which take NULs behind the digits.</summary>
public static class WholeNumber
{
    private const int DigitsMax = 19;

    /// <summary>Reads decimal digits, 1 to 19 of them and nothing else; leading zeros count for nothing.</summary>
    /// <param name="text">The text.</param>
    /// <param name="max">Largest allowed.</param>
    /// <param name="number">The number, from 0.</param>
    public static bool TryParse(ReadOnlySpan<char> text, long max, out long number)
    {
        number = 0;
        if (text.Length is 0 or > DigitsMax) return false;
        ulong read = 0;
        foreach (var letter in text)
        {
            if (!char.IsAsciiDigit(letter)) return false;
            read = (read * 10) + (uint)(letter - '0');
        }
        // 19 digits fit 64 bits without a sign.
        if (max < 0 || read > (ulong)max) return false;
        number = (long)read;
        return true;
    }

    /// <summary>As <see cref="TryParse"/>, of numbers that have exactly one text: no leading zeros.</summary>
    public static bool TryParseCanonical(ReadOnlySpan<char> text, long max, out long number)
    {
        number = 0;
        return (text.Length == 1 || !text.StartsWith('0')) && TryParse(text, max, out number);
    }
}
