using System.Reflection;
using Microsoft.Extensions.Configuration;

namespace Sync.Hosting;

/// <summary>Reads options from configuration, strictly: an unknown key, a value that cannot be read and a value out of
/// range are refused at start, all in one message that names key, value and what is allowed.</summary>
public static class Settings
{
    /// <summary>Binds a section.</summary>
    /// <param name="configuration">The root.</param>
    /// <param name="section">The section, e.g. <c>App:Server</c>. A missing one gives the defaults.</param>
    /// <param name="defaults">The values of what is not given; it is bound in place and returned.</param>
    /// <param name="check">Adds what is wrong with the values; null = nothing to check.</param>
    /// <param name="shared">Other options that are read from the same section; their keys are known too.</param>
    /// <typeparam name="T">The options; properties with a setter or <c>init</c> are settings.</typeparam>
    /// <exception cref="StartupException">Something is wrong.</exception>
    public static T Read<T>(
        IConfiguration configuration, string section, T defaults, Action<T, SettingChecks>? check = null,
            params Type[] shared)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(configuration);
        ArgumentNullException.ThrowIfNull(shared);
        var source = configuration.GetSection(section);
        var checks = new SettingChecks(section);
        RefuseUnknown(source, [typeof(T), .. shared], checks);
        checks.ThrowIfAny();
        Bind(source, section, defaults);
        check?.Invoke(defaults, checks);
        checks.ThrowIfAny();
        return defaults;
    }

    private static void Bind<T>(IConfigurationSection source, string section, T options) where T : class
    {
        try
        {
            source.Bind(options);
        }
        catch (Exception error) when (error is InvalidOperationException or FormatException or ArgumentException)
        {
            // The binder's text names key, value and type, which is what the reader needs.
            throw new StartupException(ExitCodes.Configuration, $"{section}: {error.Message}", error);
        }
    }

    private static void RefuseUnknown(IConfigurationSection source, Type[] types, SettingChecks checks)
    {
        var known = types.SelectMany(type => type.GetProperties(BindingFlags.Public | BindingFlags.Instance))
            .Where(property => property.SetMethod is { IsPublic: true })
            .Select(property => property.Name)
            .ToArray();
        foreach (var child in source.GetChildren())
            if (!known.Contains(child.Key, StringComparer.OrdinalIgnoreCase))
                checks.Add(child.Key, $"is not a setting; known are {string.Join(", ", known)}");
    }
}

/// <summary>Collects what is wrong with one section.</summary>
public sealed class SettingChecks
{
    private readonly List<string> _wrong = [];

    internal SettingChecks(string section) => Section = section;

    /// <summary>The section that is checked.</summary>
    public string Section { get; }

    /// <summary>Adds a complaint: <c>Section:Name is …</c>.</summary>
    public void Add(string name, string complaint) => _wrong.Add($"{Section}:{name} {complaint}");

    /// <summary>Adds a complaint that is a whole sentence already.</summary>
    public void Add(string complaint) => _wrong.Add(complaint);

    /// <summary>A number must be within bounds, both included.</summary>
    public void Range(string name, long value, long min, long max, string unit)
    {
        if (value < min || value > max) Add(name, $"is {value}; must be {min}..{max} {unit}");
    }

    /// <summary>A duration must be within bounds, both included.</summary>
    public void Range(string name, TimeSpan value, TimeSpan min, TimeSpan max)
    {
        if (value < min || value > max) Add(name, $"is {value}; must be {min}..{max} (hh:mm:ss)");
    }

    /// <summary>A text must be given.</summary>
    public void Required(string name, string? value, string what)
    {
        if (string.IsNullOrWhiteSpace(value)) Add(name, $"is missing; give {what}");
    }

    internal void ThrowIfAny()
    {
        if (_wrong.Count > 0) throw new StartupException(ExitCodes.Configuration, string.Join("; ", _wrong));
    }
}
