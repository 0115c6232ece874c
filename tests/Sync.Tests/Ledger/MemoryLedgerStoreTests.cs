using Sync.Ledger;
using Sync.Testing.Ledger;

namespace Sync.Tests.Ledger;

public sealed class MemoryLedgerStoreTests : LedgerStoreCompliance
{
    protected override ValueTask<ILedgerStore> CreateAsync() => new(new MemoryLedgerStore(TimeProvider.System));
}
