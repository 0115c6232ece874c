using Shouldly;
using Sync.Contracts;
using Sync.Ledger;
using Sync.Ledger.Postgres;
using Sync.Testing.Ledger;
using Sync.Testing.Postgres;
using Xunit;
using static Sync.Testing.Ledger.LedgerTexts;

namespace Sync.Integration.Tests.Postgres;

/// <summary>Readers that leave while they are answered, as HTTP clients do: who comes next on their connection gets its own
/// answer.</summary>
public sealed class AbandonedReadTests(PostgresDatabase database) : IClassFixture<PostgresDatabase>
{
    private const int Keys = 20;
    private const int Readers = 8;
    private const int Rounds = 40;

    [Fact]
    public async Task Readers_that_leave_cost_the_others_nothing()
    {
        await using var ledger = await TestLedger.CreateAsync(
            await database.CreateDatabaseAsync(), feeds: 1, options => options with { ConnectionsMax = 6 });
        var driver = await StoreDriver.AcquireAsync(ledger.Store);
        for (var key = 0; key < Keys; key++) await driver.WriteAsync(Put(User($"k{key}"), $"value {key}"));
        var left = 0;
        for (var round = 0; round < Rounds; round++)
        {
            // A store of its own: its connections are new, so that they are left while they prepare their statements.
            await using var store = await ledger.OpenAnotherAsync();
            var random = new Random(round);
            for (var crowd = 0; crowd < 4; crowd++)
                await Task.WhenAll(Enumerable.Range(0, Readers).Select(_ => LeaveAsync(store, random.Next(2000))));
            await Task.WhenAll(Enumerable.Range(0, Readers).Select(_ => ReadAsync(store)));
        }
        left.ShouldBeGreaterThan(Rounds);

        async Task LeaveAsync(PostgresLedgerStore store, int microseconds)
        {
            using var leaving = new CancellationTokenSource();
            var read = WindowAsync(store, 0, Keys, leaving.Token);
            await Task.Run(() => SpinWait.SpinUntil(() => read.IsCompleted, TimeSpan.FromMicroseconds(microseconds)));
            await leaving.CancelAsync();
            try
            {
                await read;
            }
            catch (OperationCanceledException)
            {
                Interlocked.Increment(ref left);
            }
        }

        async Task ReadAsync(PostgresLedgerStore store)
        {
            for (var key = 0; key < Keys; key++)
            {
                (await store.GetAsync(User($"k{key}"), AsOf.Now)).ShouldNotBeNull().Key.ShouldBe(User($"k{key}"));
                var page = await WindowAsync(store, key, Keys, default);
                page.Facts.Select(fact => fact.Position.Value)
                    .ShouldBe(Enumerable.Range(key + 1, Keys - key).Select(position => (long)position));
            }
        }

        static async Task<FactPage> WindowAsync(PostgresLedgerStore store, long after, int limit, CancellationToken cancellation) =>
            await store.WindowAsync(new WindowQuery(new FeedId(0), new Position(after)), limit, 1 << 20, cancellation);
    }
}
