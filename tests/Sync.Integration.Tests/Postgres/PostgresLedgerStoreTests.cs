using Shouldly;
using Sync.Contracts;
using Sync.Ledger;
using Sync.Testing.Ledger;
using Sync.Testing.Postgres;
using Xunit;
using static Sync.Testing.Ledger.LedgerTexts;

namespace Sync.Integration.Tests.Postgres;

/// <summary>What only this substrate does; the contract itself is in the compliance suite.</summary>
public sealed class PostgresLedgerStoreTests(PostgresDatabase database) : IClassFixture<PostgresDatabase>
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task As_of_a_sequence_and_history_find_their_place_in_a_long_uneven_history()
    {
        await using var ledger = await NewAsync();
        var driver = await StoreDriver.AcquireAsync(ledger.Store);
        // Runs of one key among others, so that guesses by proportion go wrong.
        for (var round = 1; round <= 12; round++)
            await driver.WriteAsync([
                .. Enumerable.Range(0, round * round).Select(number => Put(User("deep"), $"{number}")),
                .. Enumerable.Range(0, 400 / round).Select(number => Put(User($"other{number}"), $"{number}")),
            ]);

        for (var sequence = 1; sequence <= 650; sequence++)
            (await ledger.Store.GetAsync(User("deep"), new AsOf(new Sequence(sequence), null, null)))!
                .Sequence.ShouldBe(new Sequence(sequence));
        (await ledger.Store.GetAsync(User("deep"), new AsOf(new Sequence(651), null, null))).ShouldBeNull();
        var page = await ledger.Store.HistoryAsync(User("deep"), new Sequence(333), 50, 10_000);
        page.Facts.Select(fact => fact.Sequence.Value).ShouldBe(Enumerable.Range(334, 50).Select(number => (long)number));
        page.More.ShouldBeTrue();
        (await ledger.Store.HistoryAsync(User("deep"), new Sequence(650), 50, 10_000)).Facts.ShouldBeEmpty();
        (await ledger.Store.HistoryAsync(User("deep"), new Sequence(999), 50, 10_000)).Facts.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_record_that_turns_dead_and_live_again_is_listed_as_it_last_stood()
    {
        await using var ledger = await NewAsync();
        var driver = await StoreDriver.AcquireAsync(ledger.Store);
        await driver.WriteAsync(Put(User("a")), Delete(User("a")), Put(User("b")), Delete(User("b")), Put(User("b")));
        (await ListAsync()).ShouldBe(["b"]);
        await driver.WriteAsync(Delete(User("b")), Put(User("a")), Delete(User("a")), Put(User("a")));
        (await ListAsync()).ShouldBe(["a"]);
        await driver.WriteAsync(Put(User("b")), Delete(User("b")));
        (await ListAsync()).ShouldBe(["a"]);
        (await ledger.ScalarAsync<long>("select count(*) from sync.head where live and key = 'a' and sequence = 5")).ShouldBe(1);

        async Task<IEnumerable<string>> ListAsync() =>
            (await ledger.Store.ListAsync("acme", "user", null, 10, AsOf.Now, 1000)).Facts.Select(fact => fact.Key.Key);
    }

    [Fact]
    public async Task An_idempotency_key_that_looks_like_a_hash_meets_no_other_text()
    {
        await using var ledger = await NewAsync();
        var driver = await StoreDriver.AcquireAsync(ledger.Store);
        const string uuid = "0192d3f0-0000-7000-8000-00000000000a";
        await driver.WriteAsync(Put(User("a"), "1", "any text"));
        var hashed = (await ledger.ScalarAsync<Guid>("select key from sync.idempotency")).ToString("D");
        await driver.WriteAsync(Put(User("b"), "2", hashed), Put(User("c"), "3", uuid), Put(User("d"), "4", uuid.ToUpperInvariant()));
        var loaded = await ledger.Store.LoadAsync(driver.Lease.Feed, new LoadRequest([], [],
            [.. new[] { "any text", hashed, uuid, uuid.ToUpperInvariant() }.Select(text => new IdempotencyName("acme", text))]));
        loaded.Idempotency.Select(fact => fact!.IdempotencyKey).ShouldBe(["any text", hashed, uuid, uuid.ToUpperInvariant()]);
        (await ledger.ScalarAsync<long>("select count(*) from sync.fact where idempotency_text is null")).ShouldBe(1);
    }

    [Fact]
    public async Task Texts_that_Postgres_cannot_hold_and_keys_too_long_for_its_index_are_data_errors()
    {
        await using var ledger = await NewAsync();
        var driver = await StoreDriver.AcquireAsync(ledger.Store);
        var random = new Random(1);
        var canary = string.Concat(Enumerable.Range(0, 4000).Select(_ => (char)random.Next(0x4E00, 0x9F00)));
        foreach (var command in (WriteCommand[])[
            Put(User("a\0b")), Put(User("a\ud800")), Put(User("a"), "1", "k\0"), Put(User(canary)),
            new WriteCommand { Key = User("a"), Op = ChangeOp.Put, Value = Value("1"), Producer = new("service", "x\0") },
            new WriteCommand { Key = User("a"), Op = ChangeOp.Put, Value = Value("1"), SchemaVersion = new("1\0") }])
        {
            var group = await GroupAsync(driver, command);
            var error = (await driver.TryCommitAsync(group)).ShouldBeOfType<CommitOutcome.DataError>();
            error.Detail.ShouldNotContain(canary[..8]);
        }
        // The feed is as it was: the next group fits.
        await driver.WriteAsync(Put(User("a")));
    }

    [Fact]
    public async Task A_key_that_the_owner_wrongly_takes_for_new_fences_it()
    {
        await using var ledger = await NewAsync();
        var driver = await StoreDriver.AcquireAsync(ledger.Store);
        var stale = await driver.GroupAsync(Put(User("a")));
        await driver.WriteAsync(Put(User("a")));
        var again = (await driver.GroupAsync(Put(User("b")))).Facts[0].Fact;
        var wrong = new FactGroup
        {
            Lease = driver.Lease,
            Expected = driver.State.Position,
            Facts = [new PendingFact(Moved(stale.Facts[0].Fact, again.Position), HeadState.None)],
            Published = Position.Start,
            LeaseTtl = Minute,
        };
        (await driver.TryCommitAsync(wrong)).ShouldBeOfType<CommitOutcome.Fenced>();
        (await ledger.Store.StatusAsync())[driver.Lease.Feed.Value].Position.ShouldBe(new Position(1));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_group_waits_for_the_commit_under_way_that_it_is_on_top_of(bool isCommitted)
    {
        await using var ledger = await NewAsync();
        var driver = await StoreDriver.AcquireAsync(ledger.Store);
        await driver.WriteAsync(Put(User("a")));
        driver.Assume(await driver.GroupAsync(Put(User("b"))));
        var second = await driver.GroupAsync(Put(User("c")), Put(User("d")));
        await using var connection = new Npgsql.NpgsqlConnection(ledger.Options.ConnectionString);
        await connection.OpenAsync();
        await using var first = await connection.BeginTransactionAsync();
        await using var move = new Npgsql.NpgsqlCommand("update sync.feed set position = 2 where position = 1", connection, first);
        await move.ExecuteNonQueryAsync();
        var commit = ledger.Store.CommitAsync(second).AsTask();
        while (await ledger.ScalarAsync<long>("select count(*) from pg_locks where not granted") == 0) await Task.Yield();
        commit.IsCompleted.ShouldBeFalse();
        if (isCommitted) await first.CommitAsync();
        else await first.RollbackAsync();
        if (isCommitted) (await commit).ShouldBeOfType<CommitOutcome.Committed>();
        else (await commit).ShouldBeOfType<CommitOutcome.TooEarly>();
        (await ledger.Store.StatusAsync())[driver.Lease.Feed.Value].Position.ShouldBe(new Position(isCommitted ? 4 : 1));
    }

    [Fact]
    public async Task A_hole_stops_the_reader_of_a_feed()
    {
        await using var ledger = await NewAsync();
        var driver = await StoreDriver.AcquireAsync(ledger.Store);
        await driver.WriteAsync(Put(User("a")), Put(User("b")), Put(User("c")));
        await ledger.ExecuteAsync("delete from sync.fact where position = 2");
        var middle = await Should.ThrowAsync<SyncException>(
            async () => await ledger.Store.ReadFeedAsync(driver.Lease.Feed, Position.Start, 10, 1000));
        middle.Code.ShouldBe(SyncErrorCode.Corrupt);
        await ledger.ExecuteAsync("delete from sync.fact where position = 3");
        var tail = await Should.ThrowAsync<SyncException>(
            async () => await ledger.Store.ReadFeedAsync(driver.Lease.Feed, new Position(1), 10, 1000));
        tail.Code.ShouldBe(SyncErrorCode.Corrupt);
    }

    [Fact]
    public async Task A_fact_beyond_its_feeds_position_is_corruption_not_an_outcome()
    {
        await using var ledger = await NewAsync();
        var driver = await StoreDriver.AcquireAsync(ledger.Store);
        await driver.WriteAsync(Put(User("a")), Put(User("a")));
        await ledger.ExecuteAsync($"update sync.feed set position = 1 where feed = {driver.Lease.Feed}");
        var again = await StoreDriver.AcquireAsync(ledger.Store);
        var group = await again.GroupAsync(Put(User("a")));
        (await Should.ThrowAsync<SyncException>(async () => await again.TryCommitAsync(group))).Code.ShouldBe(SyncErrorCode.Corrupt);
    }

    private static Fact Moved(Fact fact, Position position) => new()
    {
        Id = fact.Id,
        Key = fact.Key,
        Sequence = fact.Sequence,
        Op = fact.Op,
        Value = fact.Value,
        ValueHash = fact.ValueHash,
        SchemaVersion = fact.SchemaVersion,
        TransactionTime = fact.TransactionTime,
        Producer = fact.Producer,
        Feed = fact.Feed,
        Position = position,
        After = fact.After,
        Epoch = fact.Epoch,
        Chain = fact.Chain,
    };

    // Names that cannot even be asked for are numbered as new.
    private static async Task<FactGroup> GroupAsync(StoreDriver driver, WriteCommand command)
    {
        var fine = await driver.GroupAsync(Put(User("fine")));
        var fact = fine.Facts[0].Fact;
        var poisoned = new Fact
        {
            Id = fact.Id,
            Key = command.Key,
            Sequence = fact.Sequence,
            Op = fact.Op,
            Value = command.Value,
            ValueHash = Hash256.Of(command.Value.Span),
            SchemaVersion = command.SchemaVersion,
            TransactionTime = fact.TransactionTime,
            Producer = command.Producer,
            IdempotencyKey = command.IdempotencyKey,
            Feed = fact.Feed,
            Position = fact.Position,
            After = fact.After,
            Epoch = fact.Epoch,
            Chain = fact.Chain,
        };
        return new FactGroup
        {
            Lease = fine.Lease,
            Expected = fine.Expected,
            Facts = [new PendingFact(poisoned, HeadState.None)],
            Published = Position.Start,
            LeaseTtl = Minute,
        };
    }

    private async Task<TestLedger> NewAsync() => await TestLedger.CreateAsync(await database.CreateDatabaseAsync());
}
