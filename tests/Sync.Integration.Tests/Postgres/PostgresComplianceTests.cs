using Sync.Ledger;
using Sync.Ledger.Postgres;
using Sync.Testing.Ledger;
using Sync.Testing.Postgres;
using Xunit;

namespace Sync.Integration.Tests.Postgres;

/// <summary>The contract, under the runtime role; the other view is another pool, as another process has.</summary>
public sealed class PostgresComplianceTests(PostgresDatabase database) : LedgerStoreCompliance, IClassFixture<PostgresDatabase>
{
    private TestLedger _ledger = null!;
    private PostgresLedgerStore? _other;

    protected override async ValueTask<ILedgerStore> CreateAsync()
    {
        _ledger = await TestLedger.CreateAsync(await database.CreateDatabaseAsync());
        return _ledger.Store;
    }

    protected override async ValueTask<ILedgerStore> OpenAgainAsync() => _other ??= await _ledger.OpenAnotherAsync();

    public override async ValueTask DisposeAsync()
    {
        if (_other is not null) await _other.DisposeAsync();
        await base.DisposeAsync();
    }
}
