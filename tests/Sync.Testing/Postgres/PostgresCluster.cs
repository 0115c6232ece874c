using System.Globalization;
using System.Security.Cryptography;
using Sync.Testing.Processes;

namespace Sync.Testing.Postgres;

/// <summary>
/// A data folder in a temp folder and the postmaster that runs on it: initdb, start, signals. Used by one
/// <see cref="PostgresServer"/>, which lets one call at a time in.
/// </summary>
internal sealed class PostgresCluster
{
    internal const string Superuser = "postgres";

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(25);

    // initdb and postgres refuse to run as root, so there they run as the user that the package made.
    private static readonly string? RunAs = Environment.IsPrivilegedProcess ? "postgres" : null;

    private readonly string _folder;
    private readonly bool _isOwn;
    private ServiceProcess? _postmaster;

    private PostgresCluster(string folder, bool isOwn, string password)
    {
        (_folder, _isOwn) = (folder, isOwn);
        Password = password;
        Port = Ports.Free();
    }

    internal int Port { get; }

    internal string Password { get; }

    internal string DataFolder => Path.Combine(_folder, "data");

    internal ServiceProcess Postmaster =>
        _postmaster ?? throw new InvalidOperationException("This Postgres is not running: start it first.");

    internal static async Task<PostgresCluster> InitializeAsync(PostgresServerOptions options)
    {
        string folder = options.Folder ?? Directory.CreateTempSubdirectory("sync-postgres-").FullName;
        var cluster = new PostgresCluster(folder, options.Folder is null, Convert.ToHexString(RandomNumberGenerator.GetBytes(16)));
        string passwordFile = Path.Combine(folder, "password");
        await File.WriteAllTextAsync(passwordFile, cluster.Password);
        if (RunAs is not null)
        {
            string[] folders = options.WalFolder is { } wal ? [folder, wal] : [folder];
            await ServiceProcess.RunAsync(new("chown") { Arguments = ["-R", RunAs, .. folders] });
        }

        string[] walOptions = options.WalFolder is null ? [] : [$"--waldir={options.WalFolder}", "--wal-segsize=1"];
        await cluster.RunAsync(
            "initdb",
            [
                "-D", cluster.DataFolder, "-U", Superuser, "-A", "scram-sha-256", $"--pwfile={passwordFile}",
                "--data-checksums", "--no-locale", "--encoding=UTF8", "--no-sync", .. walOptions,
            ]);
        File.Delete(passwordFile);
        await File.AppendAllLinesAsync(
            Path.Combine(cluster.DataFolder, "postgresql.conf"), options.Lines(cluster.Port));
        return cluster;
    }

    /// <summary>Starts the postmaster; it is not ready yet when this returns.</summary>
    internal void Launch() => _postmaster = ServiceProcess.Start(
        new(PostgresBinaries.Full("postgres")) { Arguments = ["-D", DataFolder], RunAs = RunAs },
        // Should this process die: an immediate stop, which also frees the shared memory.
        deathSignal: "QUIT");

    /// <summary>kill -9 of the postmaster and all its children; returns when all are gone.</summary>
    internal async Task KillAsync()
    {
        ServiceProcess postmaster = Postmaster;
        // Stopped first, it cannot start children that the list misses, nor tidy up after those that die.
        postmaster.Signal(ProcessSignals.Stop);
        IReadOnlyList<int> children = ProcessSignals.Children(postmaster.Id);
        postmaster.Signal(ProcessSignals.Kill);
        foreach (int child in children)
        {
            ProcessSignals.Send(child, ProcessSignals.Kill);
        }

        await postmaster.WaitForExitAsync();
        // A start refuses while one of them still holds the shared memory.
        using var tick = new PeriodicTimer(Poll);
        while (children.Any(ProcessSignals.IsAlive))
        {
            await tick.WaitForNextTickAsync();
        }

        await ForgetAsync();
    }

    /// <summary>SIGQUIT (immediate: recovery at the next start) or SIGINT (fast: clean); returns at its end.</summary>
    internal async Task StopAsync(bool immediate)
    {
        Postmaster.Continue();
        Postmaster.Signal(immediate ? ProcessSignals.Quit : ProcessSignals.Interrupt);
        await Postmaster.WaitForExitAsync();
        await ForgetAsync();
    }

    internal async Task DeleteAsync()
    {
        if (_postmaster is not null)
        {
            await StopAsync(immediate: true);
        }

        // A given folder may be a mount: its owner takes it away.
        if (_isOwn) Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Forgets a postmaster that ended by itself, for instance because its old lock file still stood.</summary>
    internal async Task ForgetAsync()
    {
        await Postmaster.DisposeAsync();
        _postmaster = null;
    }

    internal bool IsRunning => _postmaster is { HasExited: false };

    internal string ConnectionString(string database) => string.Create(
        CultureInfo.InvariantCulture,
        $"Host=127.0.0.1;Port={Port};Username={Superuser};Password={Password};Database={database}");

    private Task<string> RunAsync(string program, params string[] arguments) => ServiceProcess.RunAsync(
        new(PostgresBinaries.Full(program)) { Arguments = arguments, RunAs = RunAs, WorkingDirectory = "/" });
}
