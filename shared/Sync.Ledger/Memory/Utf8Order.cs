namespace Sync.Ledger;

/// <summary>Orders texts by the bytes of their UTF-8, without encoding them: as UTF-16 units, except that surrogates
/// (code points above U+FFFF) come behind U+E000..U+FFFF.</summary>
internal sealed class Utf8Order : IComparer<string>
{
    public static readonly Utf8Order Instance = new();

    public int Compare(string? x, string? y)
    {
        if (x is null || y is null) return x is null ? y is null ? 0 : -1 : 1;
        var length = Math.Min(x.Length, y.Length);
        var at = x.AsSpan(0, length).CommonPrefixLength(y.AsSpan(0, length));
        return at == length ? x.Length - y.Length : Weight(x[at]) - Weight(y[at]);
    }

    private static int Weight(char unit) => char.IsSurrogate(unit) ? unit + 0x10000 : unit;
}
