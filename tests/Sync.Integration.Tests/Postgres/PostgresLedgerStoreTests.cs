using Shouldly;
using Sync.Contracts;
using Sync.Ledger;
using Sync.Testing.Postgres;
using Xunit;

namespace Sync.Integration.Tests.Postgres;

/// <summary>What only this substrate does; the contract itself is in the compliance suite.</summary>
public sealed class PostgresLedgerStoreTests(PostgresDatabase database) : IClassFixture<PostgresDatabase>
{
    private const string Vault = "acme";

    private static SyncedKey Key(string key) => new(Vault, "user", key);

    [Fact]
    public async Task A_committed_group_is_read_back_as_it_was()
    {
        await using var ledger = await NewAsync();
        var scribe = await Scribe.TakeAsync(ledger.Store, Vault);
        var first = await scribe.WriteAsync(
            (Key("a"), ChangeOp.Put, [1], "0192d3f0-0000-7000-8000-000000000001"), (Key("b"), ChangeOp.Put, [2], "any text ✓"),
            (Key("a"), ChangeOp.Put, [3], null), (Key("b"), ChangeOp.Delete, [0xC0], null));
        await scribe.PutAsync(Key("b"), 9);

        var page = await ledger.Store.ReadFeedAsync(scribe.Lease.Feed, Position.Start, 10, 1000);
        page.Position.ShouldBe(new Position(5));
        page.Floor.ShouldBe(new Position(1));
        page.More.ShouldBeFalse();
        page.Facts.Take(4).ShouldBe(first.Facts.Select(pending => pending.Fact), FactComparer.Instance);
        (await ledger.Store.GetAsync(Key("a"), AsOf.Now))!.Sequence.ShouldBe(new Sequence(2));
        (await ledger.Store.GetAsync(Key("b"), AsOf.Now))!.Sequence.ShouldBe(new Sequence(3));
        (await ledger.Store.GetAsync(Key("b"), new AsOf(null, new Position(4), null)))!.Op.ShouldBe(ChangeOp.Delete);
        (await ledger.Store.GetAsync(Key("c"), AsOf.Now)).ShouldBeNull();
    }

    [Fact]
    public async Task Loads_answer_in_the_order_asked_for()
    {
        await using var ledger = await NewAsync();
        var scribe = await Scribe.TakeAsync(ledger.Store, Vault);
        var group = await scribe.WriteAsync((Key("a"), ChangeOp.Put, [1], "k1"), (Key("b"), ChangeOp.Put, [2], "k2"));

        var loaded = await ledger.Store.LoadAsync(scribe.Lease.Feed, new LoadRequest(
            [Key("none"), Key("b"), Key("a"), new SyncedKey(Vault, "other", "x")],
            [new CollectionName(Vault, "user"), new CollectionName("nobody", "user")],
            [new IdempotencyName(Vault, "k2"), new IdempotencyName(Vault, "k9"), new IdempotencyName(Vault, "k1")]));

        loaded.Heads[0].ShouldBe(HeadState.None);
        loaded.Heads[1].ShouldBe(new HeadState(new(1), new(2), group.Facts[1].Fact.Id, true, new(2)));
        loaded.Heads[2].Position.ShouldBe(new Position(1));
        loaded.Heads[3].ShouldBe(HeadState.None);
        loaded.Collections.ShouldBe([new CollectionState(new(2)), default]);
        loaded.Idempotency.Select(fact => fact?.Position.Value).ShouldBe([2, null, 1]);
    }

    [Fact]
    public async Task As_of_a_sequence_and_history_find_their_place_in_a_long_uneven_history()
    {
        await using var ledger = await NewAsync();
        var scribe = await Scribe.TakeAsync(ledger.Store, Vault);
        // Runs of one key among others, so that guesses by proportion go wrong.
        for (var round = 1; round <= 12; round++)
            await scribe.WriteAsync([
                .. Enumerable.Range(0, round * round).Select(number => (Key("deep"), ChangeOp.Put, new[] { (byte)number }, (string?)null)),
                .. Enumerable.Range(0, 400 / round).Select(number => (Key($"other{number}"), ChangeOp.Put, new[] { (byte)number }, (string?)null)),
            ]);

        for (var sequence = 1; sequence <= 650; sequence++)
            (await ledger.Store.GetAsync(Key("deep"), new AsOf(new Sequence(sequence), null, null)))!
                .Sequence.ShouldBe(new Sequence(sequence));
        (await ledger.Store.GetAsync(Key("deep"), new AsOf(new Sequence(651), null, null))).ShouldBeNull();
        var page = await ledger.Store.HistoryAsync(Key("deep"), new Sequence(333), 50, 10_000);
        page.Facts.Select(fact => fact.Sequence.Value).ShouldBe(Enumerable.Range(334, 50).Select(number => (long)number));
        page.More.ShouldBeTrue();
        (await ledger.Store.HistoryAsync(Key("deep"), new Sequence(650), 50, 10_000)).Facts.ShouldBeEmpty();
        (await ledger.Store.HistoryAsync(Key("deep"), new Sequence(999), 50, 10_000)).Facts.ShouldBeEmpty();
    }

    [Fact]
    public async Task Lists_are_of_live_records_in_byte_order_now_and_then()
    {
        await using var ledger = await NewAsync();
        var scribe = await Scribe.TakeAsync(ledger.Store, Vault);
        await scribe.WriteAsync((Key("b"), ChangeOp.Put, [1], null), (Key("é"), ChangeOp.Put, [2], null), (Key("Z"), ChangeOp.Put, [3], null));
        var then = new AsOf(null, scribe.Position, null);
        await scribe.WriteAsync((Key("b"), ChangeOp.Delete, [0xC0], null), (Key("c"), ChangeOp.Put, [4], null));

        var now = await ledger.Store.ListAsync(Vault, "user", null, 10, AsOf.Now, 1000);
        now.Facts.Select(fact => fact.Key.Key).ShouldBe(["Z", "c", "é"]);
        var past = await ledger.Store.ListAsync(Vault, "user", null, 2, then, 1000);
        past.Facts.Select(fact => fact.Key.Key).ShouldBe(["Z", "b"]);
        past.More.ShouldBeTrue();
        past.Position.ShouldBe(new Position(3));
        (await ledger.Store.ListAsync(Vault, "user", "b", 2, then, 1000)).Facts.Select(fact => fact.Key.Key).ShouldBe(["é"]);
        (await ledger.Store.ListAsync(Vault, "user", null, 10, new AsOf(null, null, new Timestamp(1)), 1000)).Facts.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_page_ends_behind_the_record_that_passes_its_bytes()
    {
        await using var ledger = await NewAsync();
        var scribe = await Scribe.TakeAsync(ledger.Store, Vault);
        var value = new byte[100];
        await scribe.WriteAsync([.. Enumerable.Range(0, 10).Select(number => (Key($"k{number}"), ChangeOp.Put, value, (string?)null))]);

        var page = await ledger.Store.ReadFeedAsync(scribe.Lease.Feed, Position.Start, 100, 250);
        page.Facts.Count.ShouldBe(3);
        page.More.ShouldBeTrue();
        var answer = await ledger.Store.GetManyAsync(
            Vault, [.. Enumerable.Range(-1, 8).Select(number => new RefetchItem("user", $"k{number}", Sequence.Unknown))], 250);
        answer.Envelopes.Select(envelope => envelope.Sequence.Value).ShouldBe([0, 1, 1, 1]);
        answer.Answered.ShouldBe(4);
    }

    [Fact]
    public async Task Times_resolve_to_positions_and_old_idempotency_keys_are_forgotten()
    {
        await using var ledger = await NewAsync();
        var scribe = await Scribe.TakeAsync(ledger.Store, Vault);
        var times = new List<Timestamp>();
        for (var group = 0; group < 5; group++)
        {
            await scribe.WriteAsync((Key($"a{group}"), ChangeOp.Put, [1], $"a{group}"), (Key($"b{group}"), ChangeOp.Put, [1], null));
            times.Add(scribe.LastTime);
        }

        for (var group = 0; group < 5; group++)
            (await ledger.Store.PositionAtAsync(scribe.Lease.Feed, times[group])).ShouldBe(new Position(2 * (group + 1)));
        (await ledger.Store.PositionAtAsync(scribe.Lease.Feed, new Timestamp(0))).ShouldBe(Position.Start);
        (await ledger.Store.ExpireIdempotencyAsync(scribe.Lease.Feed, times[2], 3)).ShouldBeTrue();
        (await ledger.Store.ExpireIdempotencyAsync(scribe.Lease.Feed, times[2], 3)).ShouldBeFalse();
        (await ledger.ScalarAsync<long>("select count(*) from sync.idempotency")).ShouldBe(3);
    }

    private async Task<TestLedger> NewAsync() => await TestLedger.CreateAsync(await database.CreateDatabaseAsync());
}
