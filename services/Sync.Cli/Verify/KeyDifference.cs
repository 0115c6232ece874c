using Sync.Contracts;

namespace Sync.Cli.Verify;

/// <summary>Why a key of a replica is not what the writer has.</summary>
internal enum DifferenceKind
{
    /// <summary>A gate refused the newest value; the old one, if any, stays.</summary>
    Refused,

    /// <summary>The replica has an older sequence.</summary>
    Behind,

    /// <summary>The replica has no record.</summary>
    Missing,

    /// <summary>The replica has a record that the writer has not.</summary>
    Extra,

    /// <summary>Another value at the same sequence.</summary>
    OtherValue,

    /// <summary>The replica has a sequence that the writer never gave.</summary>
    Ahead,
}

/// <summary>A key that differs.</summary>
internal sealed record KeyDifference(SyncedKey Key, DifferenceKind Kind, string Detail)
{
    /// <summary>Compares what two holders have of a key; null = the same. <paramref name="refused"/> is the replica host's reason
    /// when a gate refused the key.</summary>
    public static KeyDifference? Of(SyncedKey key, HeldRecord? writer, HeldRecord? replica, string? refused)
    {
        if (writer?.Sequence == replica?.Sequence && writer?.Hash == replica?.Hash) return null;
        var (kind, detail) = (writer, replica) switch
        {
            _ when refused is not null => (DifferenceKind.Refused, $"refused by a gate: {refused}"),
            ({ } w, null) => (DifferenceKind.Missing, $"missing: the writer has sequence {w.Sequence}"),
            (null, { } r) => (DifferenceKind.Extra, $"extra: the writer has no record, the replica sequence {r.Sequence}"),
            ({ } w, { } r) when r.Sequence < w.Sequence => (DifferenceKind.Behind, $"behind: the replica has sequence {r.Sequence}, the writer {w.Sequence}"),
            ({ } w, { } r) when r.Sequence > w.Sequence => (DifferenceKind.Ahead, $"ahead: the replica has sequence {r.Sequence}, the writer {w.Sequence}"),
            _ => (DifferenceKind.OtherValue, $"another value at sequence {writer?.Sequence}"),
        };
        return new KeyDifference(key, kind, detail);
    }

    /// <summary>The keys that two holders list differently, walking both in the order of their keys' bytes.</summary>
    public static async IAsyncEnumerable<string> KeysAsync(IAsyncEnumerable<HeldRecord> writer, IAsyncEnumerable<HeldRecord> replica)
    {
        await using var left = writer.GetAsyncEnumerator();
        await using var right = replica.GetAsyncEnumerator();
        var (hasLeft, hasRight) = (await left.MoveNextAsync(), await right.MoveNextAsync());
        while (hasLeft || hasRight)
        {
            var order = !hasRight ? -1 : !hasLeft ? 1 : Utf8Order.Instance.Compare(left.Current.Key, right.Current.Key);
            if (order != 0) yield return order < 0 ? left.Current.Key : right.Current.Key;
            else if (left.Current != right.Current) yield return left.Current.Key;
            if (order <= 0) hasLeft = await left.MoveNextAsync();
            if (order >= 0) hasRight = await right.MoveNextAsync();
        }
    }
}
