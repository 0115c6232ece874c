using Shouldly;
using Sync.Contracts;
using Sync.Ledger;
using Xunit;
using static Sync.Testing.Ledger.LedgerTexts;

namespace Sync.Testing.Ledger;

/// <summary>What every substrate must do. Each test gets an empty ledger of its own.</summary>
public abstract partial class LedgerStoreCompliance : IAsyncLifetime
{
    /// <summary>The ledger of this test.</summary>
    protected ILedgerStore Store { get; private set; } = null!;

    /// <summary>Makes an empty ledger with at least two feeds.</summary>
    protected abstract ValueTask<ILedgerStore> CreateAsync();

    /// <summary>Another process's view of the same ledger; whoever overrides it disposes it with the
    /// ledger.</summary>
    protected virtual ValueTask<ILedgerStore> OpenAgainAsync() => new(Store);

    /// <inheritdoc/>
    public async ValueTask InitializeAsync() => Store = await CreateAsync();

    /// <inheritdoc/>
    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await Store.DisposeAsync();
    }

    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    /// <summary>Waits for a condition by asking again; the bound only ends a failure.</summary>
    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var bound = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!await condition())
        {
            bound.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private async Task ShouldBeSoundAsync() => (await LedgerChecker.CheckAsync(Store)).ShouldBeEmpty();
}
