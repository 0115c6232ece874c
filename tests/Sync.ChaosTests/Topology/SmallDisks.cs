using Sync.Testing.Postgres;

namespace Sync.ChaosTests.Topology;

/// <summary>The two small disks below a Postgres: one for its data, one for its log of writes.</summary>
internal sealed class SmallDisks : IAsyncDisposable
{
    private SmallDisks(SmallDisk data, SmallDisk wal) => (Data, Wal) = (data, wal);

    public SmallDisk Data { get; }

    public SmallDisk Wal { get; }

    /// <summary>How to set Postgres up on them.</summary>
    public PostgresServerOptions Postgres => new()
    {
        Folder = Data.Folder,
        WalFolder = Wal.Folder,
        Settings = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["max_wal_size"] = "24MB",
            ["min_wal_size"] = "4MB",
        },
    };

    public static async Task<SmallDisks> MountAsync(string folder)
    {
        var data = await SmallDisk.MountAsync(Path.Combine(folder, "data-disk"), 400);
        try
        {
            return new SmallDisks(data, await SmallDisk.MountAsync(Path.Combine(folder, "wal-disk"), 64));
        }
        catch
        {
            await data.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Wal.DisposeAsync();
        await Data.DisposeAsync();
    }
}
