using Sync.Contracts;

namespace Sync.Ledger.Postgres;

/// <summary>What Postgres would refuse late, found before it is sent: U+0000 and lone surrogates in texts. Names and
/// keys have passed <see cref="Names"/> at the door already; they are checked again because one such text would fail
/// the whole group.</summary>
internal static class FactChecks
{
    /// <returns>Null when fine, else which fact and what, without its content.</returns>
    /// <exception cref="SyncException">The group is empty or not dense: a sequencer that does that must not be
    /// believed.</exception>
    internal static string? Check(FactGroup group)
    {
        if (group.Facts.Count == 0) throw new SyncException(SyncErrorCode.Invalid, "A group has at least one fact.");
        for (var index = 0; index < group.Facts.Count; index++)
        {
            var fact = group.Facts[index].Fact;
            RefuseMisnumbered(group, index, fact);
            var wrong = CheckText(fact.Key.Key, "key") ?? CheckText(fact.Key.Vault, "vault")
                ?? CheckText(fact.Key.Collection, "collection") ?? CheckText(fact.SchemaVersion.Text, "schema version")
                ?? CheckText(fact.Producer.Type, "producer type") ?? CheckText(fact.Producer.Name, "producer name")
                ?? CheckText(fact.IdempotencyKey, "idempotency key");
            if (wrong is not null) return $"fact {index}: {wrong}";
        }
        return null;
    }

    private static void RefuseMisnumbered(FactGroup group, int index, Fact fact)
    {
        if (fact.Position.Value == group.Expected.Value + 1 + index && fact.Feed == group.Lease.Feed) return;
        throw new SyncException(
            SyncErrorCode.Corrupt,
            $"Fact {index} of a group behind position {group.Expected} of feed {group.Lease.Feed} has position {fact.Position} "
            + $"of feed {fact.Feed}.");
    }

    private static string? CheckText(string? text, string what)
    {
        if (text is null) return null;
        if (text.Contains('\0', StringComparison.Ordinal)) return $"the {what} has U+0000";
        for (var index = 0; index < text.Length; index++)
        {
            if (!char.IsSurrogate(text[index])) continue;
            if (!char.IsHighSurrogate(text[index]) || index + 1 == text.Length || !char.IsLowSurrogate(text[index + 1]))
                return $"the {what} has a lone surrogate";
            index++;
        }
        return null;
    }
}
