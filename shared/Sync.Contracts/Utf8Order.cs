namespace Sync.Contracts;

/// <summary>Orders texts by the bytes of their UTF-8, without encoding them: as UTF-16 units, except that surrogates
/// (code points above U+FFFF) come behind U+E000..U+FFFF.</summary>
public sealed class Utf8Order : IComparer<string>, IComparer<SyncedKey>
{
    /// <summary>The one instance; it has no state.</summary>
    public static readonly Utf8Order Instance = new();

    /// <inheritdoc/>
    public int Compare(string? x, string? y)
    {
        if (x is null || y is null) return x is null ? y is null ? 0 : -1 : 1;
        var length = Math.Min(x.Length, y.Length);
        var at = x.AsSpan(0, length).CommonPrefixLength(y.AsSpan(0, length));
        return at == length ? x.Length - y.Length : Weight(x[at]) - Weight(y[at]);
    }

    /// <summary>Orders by vault, then collection, then key: the order of a snapshot.</summary>
    public int Compare(SyncedKey x, SyncedKey y)
    {
        var order = Compare(x.Vault, y.Vault);
        if (order == 0) order = Compare(x.Collection, y.Collection);
        return order == 0 ? Compare(x.Key, y.Key) : order;
    }

    private static int Weight(char unit) => char.IsSurrogate(unit) ? unit + 0x10000 : unit;
}
