using Shouldly;
using Sync.Contracts;

namespace Sync.Tests.MessagePack;

/// <summary>Equality by content, for types that have none.</summary>
internal static class SameAs
{
    public static void ShouldBeSameAs(this Envelope? actual, Envelope? expected)
    {
        if (expected is null)
        {
            actual.ShouldBeNull();
            return;
        }
        actual.ShouldNotBeNull();
        actual.Key.ShouldBe(expected.Key);
        actual.Value.ToArray().ShouldBe(expected.Value.ToArray());
        actual.SchemaVersion.ShouldBe(expected.SchemaVersion);
        actual.Sequence.ShouldBe(expected.Sequence);
        actual.Op.ShouldBe(expected.Op);
        actual.Id.ShouldBe(expected.Id);
        actual.Feed.ShouldBe(expected.Feed);
        actual.Position.ShouldBe(expected.Position);
        actual.History.ShouldBe(expected.History);
        actual.Hash.ShouldBe(expected.Hash);
        actual.After.ShouldBe(expected.After);
        actual.Time.ShouldBe(expected.Time);
        actual.Producer.ShouldBe(expected.Producer);
    }

    public static void ShouldBeSameAs(this Beat actual, Beat expected)
    {
        actual.Feed.ShouldBe(expected.Feed);
        actual.History.ShouldBe(expected.History);
        actual.Epoch.ShouldBe(expected.Epoch);
        actual.Prev.ShouldBe(expected.Prev);
        actual.Position.ShouldBe(expected.Position);
        actual.Time.ShouldBe(expected.Time);
        actual.Keys.ShouldBe(expected.Keys);
        actual.Collections.ShouldBe(expected.Collections);
    }

    public static void ShouldBeSameAs(this WriteCommand actual, WriteCommand expected)
    {
        actual.Key.ShouldBe(expected.Key);
        actual.Op.ShouldBe(expected.Op);
        actual.Value.ToArray().ShouldBe(expected.Value.ToArray());
        actual.SchemaVersion.ShouldBe(expected.SchemaVersion);
        actual.Expected.ShouldBe(expected.Expected);
        actual.OnlyIfNoLiveRecord.ShouldBe(expected.OnlyIfNoLiveRecord);
        actual.IdempotencyKey.ShouldBe(expected.IdempotencyKey);
        actual.ValidTime.ShouldBe(expected.ValidTime);
        actual.Producer.ShouldBe(expected.Producer);
        actual.Causation.ShouldBe(expected.Causation);
    }

    public static void ShouldBeSameAs(this Fact actual, Fact expected)
    {
        actual.Id.ShouldBe(expected.Id);
        actual.Key.ShouldBe(expected.Key);
        actual.Sequence.ShouldBe(expected.Sequence);
        actual.Op.ShouldBe(expected.Op);
        actual.Value.ToArray().ShouldBe(expected.Value.ToArray());
        actual.ValueHash.ShouldBe(expected.ValueHash);
        actual.SchemaVersion.ShouldBe(expected.SchemaVersion);
        actual.Causation.ShouldBe(expected.Causation);
        actual.TransactionTime.ShouldBe(expected.TransactionTime);
        actual.ValidTime.ShouldBe(expected.ValidTime);
        actual.Producer.ShouldBe(expected.Producer);
        (actual.Derivation is null).ShouldBe(expected.Derivation is null);
        if (expected.Derivation is { } derivation)
        {
            actual.Derivation!.Rule.ShouldBe(derivation.Rule);
            actual.Derivation.Version.ShouldBe(derivation.Version);
            actual.Derivation.Sources.ShouldBe(derivation.Sources);
        }
        actual.IdempotencyKey.ShouldBe(expected.IdempotencyKey);
        actual.Feed.ShouldBe(expected.Feed);
        actual.Position.ShouldBe(expected.Position);
        actual.After.ShouldBe(expected.After);
        actual.Epoch.ShouldBe(expected.Epoch);
        actual.Chain.ShouldBe(expected.Chain);
    }

    public static void ShouldBeSameAs(this EnvelopeAnswer actual, EnvelopeAnswer expected)
    {
        (actual.Feed, actual.History, actual.Floor, actual.Position, actual.Answered).ShouldBe(
            (expected.Feed, expected.History, expected.Floor, expected.Position, expected.Answered));
        actual.Envelopes.ShouldBeSameAs(expected.Envelopes);
    }

    public static void ShouldBeSameAs(this SnapshotPage actual, SnapshotPage expected)
    {
        (actual.Feeds, actual.Feed, actual.History, actual.Floor, actual.Position, actual.More, actual.NextEnd).ShouldBe(
            (expected.Feeds, expected.Feed, expected.History, expected.Floor, expected.Position, expected.More, expected.NextEnd));
        actual.Collections.ShouldBe(expected.Collections);
        actual.Envelopes.ShouldBeSameAs(expected.Envelopes);
    }

    public static void ShouldBeSameAs(this ChangesPage actual, ChangesPage expected)
    {
        (actual.Feed, actual.History, actual.Floor, actual.Position, actual.Through).ShouldBe(
            (expected.Feed, expected.History, expected.Floor, expected.Position, expected.Through));
        actual.Envelopes.ShouldBeSameAs(expected.Envelopes);
    }

    public static void ShouldBeSameAs(this VaultsPage actual, VaultsPage expected)
    {
        (actual.History, actual.More).ShouldBe((expected.History, expected.More));
        actual.Vaults.ShouldBe(expected.Vaults);
    }

    private static void ShouldBeSameAs(this IReadOnlyList<Envelope> actual, IReadOnlyList<Envelope> expected)
    {
        actual.Count.ShouldBe(expected.Count);
        for (var index = 0; index < actual.Count; index++) actual[index].ShouldBeSameAs(expected[index]);
    }
}
